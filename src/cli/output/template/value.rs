//! The values of a template, with the types that Go gives them.
//!
//! Types matter to users: `eq .size 394` fails because numbers of the data are `float64`, and `%T` prints
//! them. Texts are bytes, as in Go, since `trunc` may cut a character in two.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::rc::Rc;

use super::moment::Moment;
use super::version::Version;

/// Anything a template can name or compute.
#[derive(Clone)]
pub(super) enum Value {
    /// A key that is not there: prints `<no value>`, and so do its fields.
    Missing,
    /// `nil` or JSON's `null`.
    Nil,
    Bool(bool),
    Int(i64),
    Int64(i64),
    Byte(u8),
    Uint64(u64),
    Float(f64),
    Text(Text),
    List(List),
    Map(Map),
    Time(Rc<Moment>),
    Version(Rc<Version>),
}

impl Value {
    /// A text.
    pub(super) fn text(text: impl Into<Text>) -> Self {
        Self::Text(text.into())
    }

    /// A list of texts, Go's `[]string`.
    pub(super) fn texts<T: Into<Text>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::List(List::of(Element::Text, texts.into_iter().map(Self::text).collect()))
    }

    /// A list of anything, Go's `[]interface {}`.
    pub(super) fn list(items: Vec<Self>) -> Self {
        Self::List(List::of(Element::Any, items))
    }

    /// Tells whether this is the absence of a value.
    pub(super) fn is_nil(&self) -> bool {
        matches!(self, Self::Missing | Self::Nil)
    }

    /// Tells whether conditions take the value for true: it is neither nil, nor zero, nor of length zero.
    pub(super) fn truth(&self) -> bool {
        match self {
            Self::Missing | Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(number) | Self::Int64(number) => *number != 0,
            Self::Byte(number) => *number != 0,
            Self::Uint64(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => map.len() > 0,
            Self::Time(_) | Self::Version(_) => true,
        }
    }

    /// The name of the Go type, as `%T` prints it.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Missing | Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Int64(_) => "int64",
            Self::Byte(_) => "uint8",
            Self::Uint64(_) => "uint64",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::List(list) => list.element.list_type(),
            Self::Map(map) => map.element.map_type(),
            Self::Time(_) => "time.Time",
            Self::Version(_) => "*semver.Version",
        }
    }

    /// The name of the Go kind, as `kindOf` gives it.
    pub(super) fn kind_name(&self) -> &'static str {
        match self {
            Self::Missing | Self::Nil => "invalid",
            Self::List(_) => "slice",
            Self::Map(_) => "map",
            Self::Time(_) => "struct",
            Self::Version(_) => "ptr",
            simple => simple.type_name(),
        }
    }
}

/// A Go string: bytes that are mostly UTF-8.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text(Rc<[u8]>);

impl Text {
    /// The text with everything that is not UTF-8 replaced by U+FFFD.
    pub(super) fn to_str(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

/// What a list or map is declared to hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Any,
    Text,
    Int,
    /// Lists of anything: the result of `chunk`.
    List,
}

impl Element {
    fn list_type(self) -> &'static str {
        match self {
            Self::Any => "[]interface {}",
            Self::Text => "[]string",
            Self::Int => "[]int",
            Self::List => "[][]interface {}",
        }
    }

    fn map_type(self) -> &'static str {
        match self {
            Self::Text => "map[string]string",
            _ => "map[string]interface {}",
        }
    }
}

/// A list, which no function changes in place.
#[derive(Clone)]
pub(super) struct List {
    items: Rc<Items>,
    pub(super) element: Element,
    /// Go's nil slice: empty, and `null` in JSON.
    pub(super) is_nil: bool,
}

impl List {
    /// A list of a declared type.
    pub(super) fn of(element: Element, items: Vec<Value>) -> Self {
        Self { items: Rc::new(Items(items)), element, is_nil: false }
    }

    /// The nil slice of a type.
    pub(super) fn nil(element: Element) -> Self {
        Self { is_nil: true, ..Self::of(element, Vec::new()) }
    }
}

impl Deref for List {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.items.0
    }
}

/// A map, shared by everyone who holds it: `set` changes what others see.
#[derive(Clone)]
pub(super) struct Map {
    entries: Rc<Entries>,
    pub(super) element: Element,
}

impl Map {
    /// A map of a declared type.
    pub(super) fn of(element: Element, entries: BTreeMap<Text, Value>) -> Self {
        Self { entries: Rc::new(Entries(RefCell::new(entries))), element }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &[u8]) -> Option<Value> {
        self.entries.0.borrow().get(&Text::from(key)).cloned()
    }

    /// Sets the value of a key.
    pub(super) fn insert(&self, key: Text, value: Value) {
        let former = self.entries.0.borrow_mut().insert(key, value);
        // Dropped after the borrow has ended: the former value may hold this very map.
        drop(former);
    }

    /// Removes a key.
    pub(super) fn remove(&self, key: &[u8]) {
        let former = self.entries.0.borrow_mut().remove(&Text::from(key));
        drop(former);
    }

    /// The entries as they are now, sorted by key.
    pub(super) fn entries(&self) -> Vec<(Text, Value)> {
        self.entries.0.borrow().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.entries.0.borrow().len()
    }

    /// Tells whether two names stand for one map.
    pub(super) fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.entries, &other.entries)
    }
}

impl FromIterator<(Text, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (Text, Value)>>(entries: I) -> Self {
        Self::of(Element::Any, entries.into_iter().collect())
    }
}

struct Items(Vec<Value>);

impl Drop for Items {
    fn drop(&mut self) {
        dismantle(std::mem::take(&mut self.0));
    }
}

struct Entries(RefCell<BTreeMap<Text, Value>>);

impl Drop for Entries {
    fn drop(&mut self) {
        dismantle(std::mem::take(self.0.get_mut()).into_values().collect());
    }
}

/// Drops values level by level: a loop can nest lists a million levels deep, and dropping one inside the
/// other would take as many stack frames.
fn dismantle(mut pending: Vec<Value>) {
    while let Some(value) = pending.pop() {
        match value {
            Value::List(list) => {
                if let Some(mut items) = Rc::into_inner(list.items) {
                    pending.append(&mut items.0);
                }
            }
            Value::Map(map) => {
                if let Some(mut entries) = Rc::into_inner(map.entries) {
                    pending.extend(std::mem::take(entries.0.get_mut()).into_values());
                }
            }
            _ => {}
        }
    }
}
