//! Lists that come in pages: tags and repositories.

use std::{collections::HashSet, sync::Arc};

use futures_util::{Stream, stream};
use serde::Deserialize;
use url::Url;

use super::{
    Error, Result, client::Client, endpoint::Page, hosts, http::StatusCode, link, response::Response,
    scope::Scopes, transport::Request,
};

/// Items of a page. Some registries refuse to send more.
const PAGE_SIZE: u32 = 1000;
/// Largest page, in bytes.
const PAGE_LIMIT: u64 = 8 << 20;
const MOST_PAGES: usize = 10_000;
/// Most bytes of all pages: tags are sorted, so all of them are held in memory.
const MOST_BYTES: usize = 128 << 20;
const MOST_ITEMS: usize = 5_000_000;
/// Pages in a row that add nothing, before the list counts as finished.
const EMPTY_PAGES: u32 = 2;

/// Which list is read.
pub(crate) struct List {
    pub(crate) client: Arc<Client>,
    pub(crate) scopes: Scopes,
    /// The URL of the first page.
    pub(crate) url: FirstPage,
    /// The item before the first.
    pub(crate) last: Option<String>,
    pub(crate) kind: Kind,
}

/// Makes the URL of the first page.
pub(crate) type FirstPage = Box<dyn Fn(&Client, Page<'_>) -> Url + Send + Sync>;

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Tags,
    Repositories,
}

/// A page. A list of no names may be `null`, and so may a name.
#[derive(Deserialize)]
struct Names {
    #[serde(alias = "repositories")]
    tags: Option<Vec<Option<String>>>,
}

/// Where the reading of a list is.
struct Reading {
    list: List,
    next: Next,
    /// The page before.
    before: Vec<String>,
    items: usize,
    bytes: usize,
    visited: HashSet<String>,
    pages: usize,
    empty: u32,
}

enum Next {
    First,
    Page(Url),
    End,
}

impl List {
    /// Reads the list page by page.
    pub(crate) fn pages(self) -> impl Stream<Item = Result<Vec<String>>> + Send {
        let reading = Reading {
            list: self,
            next: Next::First,
            before: Vec::new(),
            items: 0,
            bytes: 0,
            visited: HashSet::new(),
            pages: 0,
            empty: 0,
        };
        stream::try_unfold(reading, |mut reading| async move {
            let page = reading.page().await?;
            Ok(page.map(|page| (page, reading)))
        })
    }

    /// Asks for the first page. What a registry does not understand is left out.
    async fn first(&self) -> Result<Response> {
        let mut page = Page { size: Some(PAGE_SIZE), last: self.last.as_deref() };
        loop {
            let url = (self.url)(&self.client, page);
            let response = self.client.send(Request::get(url), &self.scopes).await?;
            match response.status {
                StatusCode::OK => return Ok(response),
                StatusCode::BAD_REQUEST if page.size.is_some() => page.size = None,
                // One registry knows no place behind a tag that does not exist.
                StatusCode::NOT_FOUND if page.last.is_some() => page.last = None,
                _ => return Err(self.refused(response).await),
            }
            response.discard().await;
        }
    }

    /// A registry that lists its repositories to nobody should not be taken for one that does not know us.
    async fn refused(&self, response: Response) -> Error {
        let status = response.status.as_u16();
        let is_closed = match status {
            404 | 405 | 501 => true,
            401 | 403 => hosts::has_no_catalog(response.origin.host()),
            _ => false,
        };
        let error = response.into_error().await;
        if self.kind == Kind::Repositories && is_closed {
            let host = self.client.endpoint().origin().authority();
            return Error::NoCatalog { host, source: Box::new(error) };
        }
        error
    }

    /// The names of one page; sorted, and without those up to `last`, where the specification orders them.
    fn names(&self, body: &[u8]) -> Option<Vec<String>> {
        let Names { tags: names } = serde_json::from_slice(body).ok()?;
        let mut names: Vec<String> =
            names.unwrap_or_default().into_iter().map(Option::unwrap_or_default).collect();
        if self.kind == Kind::Tags {
            names.retain(|name| self.last.as_ref().is_none_or(|last| name > last));
            names.sort();
            names.dedup();
        }
        Some(names)
    }
}

impl Reading {
    async fn page(&mut self) -> Result<Option<Vec<String>>> {
        let response = match std::mem::replace(&mut self.next, Next::End) {
            Next::End => return Ok(None),
            Next::First => self.list.first().await?,
            Next::Page(url) => {
                let client = &self.list.client;
                client.expect(Request::get(url), &self.list.scopes, &[StatusCode::OK]).await?
            }
        };
        self.visited.insert(response.url.to_string());
        self.pages += 1;
        let next = link::next(response.lines("link"));
        let base = response.url.clone();
        let not_a_list = response.protocol("the answer is not a list");
        let body = response.read(PAGE_LIMIT).await?;
        let names = self.list.names(&body).ok_or(not_a_list)?;
        self.items += names.len();
        self.bytes += body.len();
        if self.before == names && !names.is_empty() {
            self.notice_circle();
            return Ok(None);
        }
        if let Some(target) = next {
            self.go_on(&base, &target, names.is_empty())?;
        }
        self.before.clone_from(&names);
        Ok(Some(names))
    }

    fn notice_circle(&self) {
        self.list.client.notice("the registry links its pages in a circle; the list may be incomplete");
    }

    /// Decides whether the next page is asked for.
    fn go_on(&mut self, base: &Url, target: &str, is_empty: bool) -> Result<()> {
        self.empty = if is_empty { self.empty + 1 } else { 0 };
        if self.empty >= EMPTY_PAGES {
            return Ok(());
        }
        let refuse = |reason: &str| Error::Protocol {
            method: "GET".to_owned(),
            url: super::trace::bare_url(base),
            reason: reason.to_owned(),
        };
        let url = link::resolve(base, target).map_err(refuse)?;
        if self.visited.contains(url.as_str()) {
            self.notice_circle();
            return Ok(());
        }
        if self.pages >= MOST_PAGES || self.items >= MOST_ITEMS || self.bytes >= MOST_BYTES {
            return Err(refuse("the list is too long"));
        }
        self.next = Next::Page(url);
        Ok(())
    }
}
