//! Builds the tree of a template from its tokens (pure). What can be known without the data is refused here:
//! syntax, functions and variables that do not exist.

use super::ast::{Control, ControlKind, Node, Pipeline, TemplateCall, Templates};
use super::error::{Error, NAME, Position};
use super::lexer::{self, Keyword, Kind, Token};

/// How deeply blocks and parentheses may be nested. Each level takes up to [`LEVEL_BYTES`] of stack.
const MAX_NESTING: usize = 1000;
/// What one level takes of the stack at most, measured without optimisation and rounded up.
const LEVEL_BYTES: usize = 16 << 10;
/// The stack that parsing is given.
pub(super) const STACK_BYTES: usize = MAX_NESTING * LEVEL_BYTES;

/// Parses a source into the template of the source itself and those it defines.
pub(super) fn parse(source: &str) -> Result<Templates, Error> {
    let mut parser = Parser {
        source,
        tokens: lexer::tokens(source),
        next: 0,
        variables: vec!["$".into()],
        ranges: 0,
        nesting: 0,
        templates: Templates::new(),
    };
    parser.source()?;
    Ok(parser.templates)
}

/// How a run of nodes ended.
enum Ending {
    End,
    Else,
}

enum Item {
    Node(Node),
    Ending(Ending),
}

pub(super) struct Parser<'s> {
    source: &'s str,
    tokens: Vec<Token<'s>>,
    next: usize,
    /// The variables in scope, with their dollar signs.
    pub(super) variables: Vec<String>,
    ranges: usize,
    nesting: usize,
    templates: Templates,
}

impl<'s> Parser<'s> {
    fn source(&mut self) -> Result<(), Error> {
        let mut nodes = Vec::new();
        while self.peek().kind != Kind::End {
            if self.at_definition() {
                self.definition()?;
                continue;
            }
            let position = self.peek().position;
            match self.item()? {
                Item::Node(node) => nodes.push(node),
                Item::Ending(Ending::End) => return Err(self.error(position, "unexpected {{end}}")),
                Item::Ending(Ending::Else) => return Err(self.error(position, "unexpected {{else}}")),
            }
        }
        self.add(NAME.into(), nodes, 0)
    }

    fn at_definition(&self) -> bool {
        let mut tokens =
            self.tokens[self.next..].iter().map(|token| &token.kind).filter(|kind| **kind != Kind::Space);
        tokens.next() == Some(&Kind::Open) && tokens.next() == Some(&Kind::Keyword(Keyword::Define))
    }

    fn definition(&mut self) -> Result<(), Error> {
        self.take();
        let position = self.take_solid().position;
        let name = self.name("define clause")?;
        self.expect(&Kind::Close, "define clause")?;
        let outer = std::mem::replace(&mut self.variables, vec!["$".into()]);
        let (body, ending) = self.nodes()?;
        self.variables = outer;
        match ending {
            Ending::End => self.add(name, body, position),
            Ending::Else => Err(self.error(position, "unexpected {{else}} in define clause")),
        }
    }

    /// Files a template under its name. One without content may be replaced, and never replaces another.
    fn add(&mut self, name: String, nodes: Vec<Node>, position: usize) -> Result<(), Error> {
        let former = self.templates.get(&name);
        if former.is_none_or(|former| is_empty(former)) {
            self.templates.insert(name, nodes);
        } else if !is_empty(&nodes) {
            return Err(self.error(position, format!("multiple definition of template {name:?}")));
        }
        Ok(())
    }

    /// Reads nodes up to `{{end}}` or `{{else}}`.
    fn nodes(&mut self) -> Result<(Vec<Node>, Ending), Error> {
        let mut nodes = Vec::new();
        loop {
            if self.peek().kind == Kind::End {
                return Err(
                    self.error(self.source.len(), "unexpected end of the template: {{end}} is missing")
                );
            }
            match self.item()? {
                Item::Node(node) => nodes.push(node),
                Item::Ending(ending) => return Ok((nodes, ending)),
            }
        }
    }

    fn item(&mut self) -> Result<Item, Error> {
        let token = self.take();
        match token.kind {
            Kind::Text => Ok(Item::Node(Node::Text(token.text.into()))),
            Kind::Open => self.action(),
            _ => Err(self.unexpected(&token, "input")),
        }
    }

    fn action(&mut self) -> Result<Item, Error> {
        let token = self.peek_solid();
        let Kind::Keyword(keyword) = token.kind else {
            return Ok(Item::Node(Node::Action(self.pipeline("command", &Kind::Close)?)));
        };
        self.take_solid();
        let node = match keyword {
            Keyword::If => self.control(ControlKind::If)?,
            Keyword::With => self.control(ControlKind::With)?,
            Keyword::Range => self.control(ControlKind::Range)?,
            Keyword::Template => self.template_call()?,
            Keyword::Block => self.block(token.position)?,
            Keyword::Break => self.jump(&token, Node::Break)?,
            Keyword::Continue => self.jump(&token, Node::Continue)?,
            Keyword::End => {
                self.expect(&Kind::Close, "end")?;
                return Ok(Item::Ending(Ending::End));
            }
            // What follows is read by the block that this belongs to.
            Keyword::Else => return Ok(Item::Ending(Ending::Else)),
            Keyword::Define => return Err(self.unexpected(&token, "command")),
        };
        Ok(Item::Node(node))
    }

    fn control(&mut self, kind: ControlKind) -> Result<Node, Error> {
        self.enter()?;
        let scope = self.variables.len();
        let pipeline = self.pipeline(kind.word(), &Kind::Close)?;
        self.ranges += usize::from(kind == ControlKind::Range);
        let (body, ending) = self.nodes()?;
        self.ranges -= usize::from(kind == ControlKind::Range);
        let otherwise = match ending {
            Ending::End => Vec::new(),
            Ending::Else => self.otherwise(kind)?,
        };
        self.variables.truncate(scope);
        self.nesting -= 1;
        Ok(Node::Control(Control { kind, pipeline, body, otherwise }))
    }

    /// Reads what follows `{{else`. `{{else if …}}` is another `if` that shares the `{{end}}`.
    fn otherwise(&mut self, kind: ControlKind) -> Result<Vec<Node>, Error> {
        let next = self.peek_solid().kind;
        let chained = match kind {
            ControlKind::If => next == Kind::Keyword(Keyword::If),
            ControlKind::With => next == Kind::Keyword(Keyword::With),
            ControlKind::Range => false,
        };
        if chained {
            self.take_solid();
            return Ok(vec![self.control(kind)?]);
        }
        self.expect(&Kind::Close, "else")?;
        let position = self.peek().position;
        match self.nodes()? {
            (nodes, Ending::End) => Ok(nodes),
            (_, Ending::Else) => Err(self.error(position, "expected {{end}}; found {{else}}")),
        }
    }

    fn jump(&mut self, token: &Token<'_>, node: Node) -> Result<Node, Error> {
        self.expect(&Kind::Close, &format!("{{{{{}}}}}", token.text))?;
        if self.ranges == 0 {
            return Err(self.error(token.position, format!("{{{{{}}}}} outside {{{{range}}}}", token.text)));
        }
        Ok(node)
    }

    fn template_call(&mut self) -> Result<Node, Error> {
        let position = self.peek_solid().position;
        let name = self.name("template clause")?;
        let pipeline = if self.peek_solid().kind == Kind::Close {
            self.take_solid();
            None
        } else {
            Some(self.pipeline("template clause", &Kind::Close)?)
        };
        Ok(Node::Call(TemplateCall { position, name, pipeline }))
    }

    /// `{{block "name" pipeline}} … {{end}}` defines a template and applies it.
    fn block(&mut self, position: usize) -> Result<Node, Error> {
        self.enter()?;
        let name_position = self.peek_solid().position;
        let name = self.name("block clause")?;
        let pipeline = self.pipeline("block clause", &Kind::Close)?;
        let outer = std::mem::replace(&mut self.variables, vec!["$".into()]);
        let ranges = std::mem::take(&mut self.ranges);
        let (body, ending) = self.nodes()?;
        if matches!(ending, Ending::Else) {
            return Err(self.error(position, "unexpected {{else}} in block clause"));
        }
        self.variables = outer;
        self.ranges = ranges;
        self.nesting -= 1;
        self.add(name.clone(), body, position)?;
        Ok(Node::Call(TemplateCall { position: name_position, name, pipeline: Some(pipeline) }))
    }

    /// Reads the quoted name of a template.
    fn name(&mut self, clause: &str) -> Result<String, Error> {
        let token = self.take_solid();
        match token.kind {
            Kind::Quoted | Kind::RawQuoted => {
                let name = self.unquote(&token)?;
                Ok(String::from_utf8_lossy(&name).into_owned())
            }
            _ => Err(self.unexpected(&token, clause)),
        }
    }

    pub(super) fn unquote(&self, token: &Token<'_>) -> Result<Vec<u8>, Error> {
        let value = super::literal::unquote(token.text);
        value.ok_or_else(|| self.error(token.position, format!("invalid escape in {}", token.text)))
    }

    fn expect(&mut self, kind: &Kind, clause: &str) -> Result<(), Error> {
        let token = self.take_solid();
        if token.kind == *kind { Ok(()) } else { Err(self.unexpected(&token, clause)) }
    }

    /// Goes one level deeper. Who leaves the level without error counts back.
    pub(super) fn enter(&mut self) -> Result<(), Error> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            let reason = format!("blocks and parentheses are nested more than {MAX_NESTING} levels deep");
            return Err(self.error(self.peek().position, reason));
        }
        Ok(())
    }

    /// Reads a pipeline in parentheses, of which the opening one has been taken.
    pub(super) fn parenthesized(&mut self) -> Result<Pipeline, Error> {
        self.enter()?;
        let pipeline = self.pipeline("parenthesized pipeline", &Kind::RightParen)?;
        self.nesting -= 1;
        Ok(pipeline)
    }

    pub(super) fn peek(&self) -> Token<'s> {
        // The last token ends the source and is never taken.
        self.tokens[self.next.min(self.tokens.len() - 1)].clone()
    }

    pub(super) fn take(&mut self) -> Token<'s> {
        let token = self.peek();
        self.next += 1;
        token
    }

    /// The next token that is no space.
    pub(super) fn peek_solid(&mut self) -> Token<'s> {
        while self.peek().kind == Kind::Space {
            self.next += 1;
        }
        self.peek()
    }

    pub(super) fn take_solid(&mut self) -> Token<'s> {
        self.peek_solid();
        self.take()
    }

    /// Where the parser stands, to come back to with [`rewind`](Self::rewind).
    pub(super) fn mark(&self) -> usize {
        self.next
    }

    pub(super) fn rewind(&mut self, mark: usize) {
        self.next = mark;
    }

    pub(super) fn error(&self, offset: usize, reason: impl Into<String>) -> Error {
        Error::Syntax { position: self.position(offset), reason: reason.into() }
    }

    pub(super) fn position(&self, offset: usize) -> Position {
        Position::of(self.source, offset)
    }

    pub(super) fn unexpected(&self, token: &Token<'_>, place: &str) -> Error {
        let reason = match &token.kind {
            Kind::Error(reason) => reason.clone(),
            Kind::End => format!("unexpected end of the template in {place}"),
            Kind::Keyword(_) => format!("unexpected <{}> in {place}", token.text),
            _ if token.text.chars().count() > 20 => {
                format!("unexpected {:?}... in {place}", token.text.chars().take(20).collect::<String>())
            }
            _ => format!("unexpected {:?} in {place}", token.text),
        };
        self.error(token.position, reason)
    }
}

/// Tells whether a template has no content: a source of definitions and white space only.
fn is_empty(nodes: &[Node]) -> bool {
    nodes.iter().all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()))
}
