//! Parses templates. Structure, look-ahead and messages follow Go's `text/template/parse`: the line in a message is
//! that of the last token read, so reading one token more or less would show.

mod lex;
mod node;
mod number;
mod pipeline;

use std::collections::BTreeMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use crate::error::ParseError;
use crate::function::Function;
use crate::text::Str;
use crate::unicode;
use crate::value::{deepest, on_deep_stack};

use lex::{Item, Keywords, Lexer, Token};

pub(crate) use lex::Delimiters;
pub(crate) use node::{
    Action, Block, Branch, Callee, Command, Expr, ExprKind, Node, Pipe, Source, Span, TemplateCall, Tree,
};
pub(crate) use number::{Ideal, Number};

/// How deep parentheses may be nested; Go's limit.
const MAX_PARENTHESES: usize = deepest(10_000, 150);
/// How deep control structures may be nested. Go has no limit but its stack of a gigabyte.
const MAX_CONTROLS: usize = deepest(10_000, 250);

/// The functions known to a parser, by name. The language's own are not among them.
pub(crate) type Functions = std::collections::HashMap<&'static str, Arc<Function>, BuildHasherDefault<NameHasher>>;

/// FNV-1a: the names are the program's own, so nobody can choose them to collide, and they are short.
#[derive(Clone, Copy)]
pub(crate) struct NameHasher(u64);

impl Default for NameHasher {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The trees of one text, by template name: its own and those it defines.
pub(crate) type Trees = BTreeMap<Str, Arc<Tree>>;

/// Parses `text` as the template `name`.
///
/// # Errors
/// Go's message, `template: NAME:LINE: MESSAGE`.
pub(crate) fn parse(
    name: &Str,
    text: &Str,
    delimiters: &Delimiters,
    functions: &Functions,
) -> std::result::Result<Trees, ParseError> {
    let text_bytes = text.as_bytes();
    let openings = text_bytes.iter().filter(|byte| **byte == b'(').count();
    let nesting = openings + occurrences(text_bytes, &delimiters.left);
    let parse = || -> Result<Trees> {
        let source = Arc::new(Source { name: name.clone(), text: text.clone() });
        let mut parser = Parser::new(source, text_bytes, delimiters, functions);
        let root = parser.top_level()?;
        parser.add(name.clone(), root)?;
        Ok(parser.trees)
    };
    let parsed = if nesting < SHALLOW {
        parse()
    } else {
        // Parsing grows the stack as it needs; freeing what was parsed before an error could not.
        stacker::grow(stack_for_freeing(nesting.min(MAX_PARENTHESES + MAX_CONTROLS)), parse)
    };
    parsed.map_err(|error| *error)
}

fn occurrences(mut text: &[u8], marker: &[u8]) -> usize {
    let mut count = 0;
    while let Some(at) = lex::find(text, marker) {
        count += 1;
        text = &text[at + marker.len()..];
    }
    count
}

/// The nesting from which on trees are freed on a stack of their own.
const SHALLOW: usize = 200;

/// Bytes of stack that freeing nodes nested so deep takes: a few calls a level, of well under a kilobyte each.
fn stack_for_freeing(depth: usize) -> usize {
    1024 * 1024 + depth * 4096
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    source: Arc<Source>,
    functions: &'t Functions,
    trees: Trees,
    /// The names of variables seen, by id.
    variable_ids: Vec<Str>,
    /// Fields of the operand being parsed; of the lists being parsed, one within the other, what they have so far.
    fields: Vec<Str>,
    exprs: Vec<Expr>,
    commands: Vec<Command>,
    nodes: Vec<Node>,
    tree: TreeState<'t>,
    controls: usize,
    /// The deepest nesting seen in the current top-level item.
    depth: usize,
}

/// What belongs to the tree being parsed; `define` and `block` start one of their own.
struct TreeState<'t> {
    /// The last token read, and those put back.
    tokens: [Item<'t>; 3],
    put_back: usize,
    /// The variables that can be used here, by id.
    variables: Vec<u32>,
    /// The line of the action being parsed; 0 outside of one.
    action_line: usize,
    range_depth: usize,
    parentheses: usize,
}

impl TreeState<'_> {
    fn new() -> Self {
        Self {
            tokens: [Item::NONE; 3],
            put_back: 0,
            variables: vec![0],
            action_line: 0,
            range_depth: 0,
            parentheses: 0,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    End,
    Else,
}

impl Ending {
    fn text(self) -> &'static str {
        match self {
            Ending::End => "{{end}}",
            Ending::Else => "{{else}}",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Control {
    If,
    With,
    Range,
}

impl Control {
    fn name(self) -> &'static str {
        match self {
            Control::If => "if",
            Control::With => "with",
            Control::Range => "range",
        }
    }
}

/// Boxed, since every result of the parser is passed up through many calls.
type Result<T> = std::result::Result<T, Box<ParseError>>;

impl<'t> Parser<'t> {
    fn new(source: Arc<Source>, text: &'t [u8], delimiters: &'t Delimiters, functions: &'t Functions) -> Self {
        let keywords =
            Keywords { r#break: !functions.contains_key("break"), r#continue: !functions.contains_key("continue") };
        Self {
            lexer: Lexer::new(text, delimiters, keywords),
            source,
            functions,
            trees: Trees::new(),
            variable_ids: vec![Str::from_static("$")],
            fields: Vec::new(),
            exprs: Vec::new(),
            commands: Vec::new(),
            nodes: Vec::new(),
            tree: TreeState::new(),
            controls: 0,
            depth: 0,
        }
    }
}

/// Tokens.
impl<'t> Parser<'t> {
    #[inline]
    fn next(&mut self) -> Item<'t> {
        if self.tree.put_back > 0 {
            self.tree.put_back -= 1;
        } else {
            self.tree.tokens[0] = self.lexer.next_item();
        }
        self.tree.tokens[self.tree.put_back]
    }

    fn put_back(&mut self) {
        self.tree.put_back += 1;
    }

    /// Puts back two tokens, the later of which is the last one read.
    fn put_back_two(&mut self, earlier: Item<'t>) {
        self.tree.tokens[1] = earlier;
        self.tree.put_back = 2;
    }

    /// Puts back three tokens, the latest of which is the last one read.
    fn put_back_three(&mut self, earliest: Item<'t>, middle: Item<'t>) {
        self.tree.tokens[1] = middle;
        self.tree.tokens[2] = earliest;
        self.tree.put_back = 3;
    }

    #[inline]
    fn peek(&mut self) -> Token {
        if self.tree.put_back == 0 {
            self.tree.tokens[0] = self.lexer.next_item();
            self.tree.put_back = 1;
        }
        self.tree.tokens[self.tree.put_back - 1].token
    }

    fn next_non_space(&mut self) -> Item<'t> {
        loop {
            let item = self.next();
            if item.token != Token::Space {
                return item;
            }
        }
    }

    /// The next token that is not space, which stays to be read.
    fn peek_non_space(&mut self) -> Item<'t> {
        let item = self.next_non_space();
        self.put_back();
        item
    }

    fn error<T>(&self, message: impl std::fmt::Display) -> Result<T> {
        let line = self.tree.tokens[0].line;
        Err(Box::new(ParseError::new(self.source.name.clone(), line, message.to_string())))
    }

    fn unexpected<T>(&self, item: &Item<'_>, context: &str) -> Result<T> {
        if item.token != Token::Error {
            return self.error(format_args!("unexpected {} in {context}", item.describe()));
        }
        let started = self.tree.action_line;
        if started == 0 || started == item.line {
            return self.error(self.lexer.message());
        }
        // Not "unclosed action in action started at".
        let message = self.lexer.message();
        let action = if message.ends_with(" action") { "" } else { " in action" };
        self.error(format_args!("{message}{action} started at {}:{started}", self.source.name))
    }

    fn expect(&mut self, token: Token, context: &str) -> Result<Item<'t>> {
        let item = self.next_non_space();
        if item.token == token { Ok(item) } else { self.unexpected(&item, context) }
    }
}

/// Text and actions.
impl Parser<'_> {
    /// The whole text, with the templates it defines.
    fn top_level(&mut self) -> Result<Block> {
        let before = self.nodes.len();
        while self.peek() != Token::Eof {
            if self.peek() == Token::LeftDelimiter {
                let delimiter = self.next();
                if self.next_non_space().token == Token::Define {
                    self.in_new_tree(Self::definition)?;
                    continue;
                }
                self.put_back_two(delimiter);
            }
            if let Some(ending) = self.text_or_action()? {
                return self.error(format_args!("unexpected {}", ending.text()));
            }
        }
        Ok(self.nodes.drain(before..).collect())
    }

    fn in_new_tree<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let outer = std::mem::replace(&mut self.tree, TreeState::new());
        let result = parse(self)?;
        self.tree = outer;
        Ok(result)
    }

    /// A definition, whose keyword has been read.
    fn definition(&mut self) -> Result<()> {
        const CONTEXT: &str = "define clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        self.expect(Token::RightDelimiter, CONTEXT)?;
        let (list, ending) = self.item_list()?;
        if ending != Ending::End {
            return self.error(format_args!("unexpected {} in {CONTEXT}", ending.text()));
        }
        self.add(name, list)
    }

    /// Adds a tree. Of two with one name in one text, one has to be empty.
    fn add(&mut self, name: Str, root: Block) -> Result<()> {
        let tree = Tree { source: self.source.clone(), root, depth: self.depth };
        match self.trees.get(&name) {
            Some(old) if !old.is_empty() => {
                if !tree.is_empty() {
                    let name = unicode::quoted(name.as_bytes());
                    return self.error(format_args!("template: multiple definition of template {name}"));
                }
            }
            _ => {
                self.trees.insert(name, Arc::new(tree));
            }
        }
        Ok(())
    }

    fn item_list(&mut self) -> Result<(Block, Ending)> {
        let before = self.nodes.len();
        while self.peek_non_space().token != Token::Eof {
            if let Some(ending) = self.text_or_action()? {
                return Ok((self.nodes.drain(before..).collect(), ending));
            }
        }
        self.error("unexpected EOF")
    }

    /// Adds a node, unless it is the end of the list.
    fn text_or_action(&mut self) -> Result<Option<Ending>> {
        let item = self.next_non_space();
        match item.token {
            Token::Text => {
                self.nodes.push(Node::Text(Span { start: item.pos, end: item.pos + item.text.len() }));
                Ok(None)
            }
            Token::LeftDelimiter => {
                self.tree.action_line = item.line;
                let ending = self.action()?;
                self.tree.action_line = 0;
                Ok(ending)
            }
            _ => self.unexpected(&item, "input"),
        }
    }

    /// An action, whose left delimiter has been read.
    fn action(&mut self) -> Result<Option<Ending>> {
        let item = self.next_non_space();
        let node = match item.token {
            Token::Block => self.block()?,
            Token::Break | Token::Continue => self.loop_control(item.token)?,
            Token::Else => return self.r#else().map(Some),
            Token::End => {
                self.expect(Token::RightDelimiter, "end")?;
                return Ok(Some(Ending::End));
            }
            Token::If => Node::If(self.control(Control::If)?),
            Token::Range => Node::Range(self.control(Control::Range)?),
            Token::With => Node::With(self.control(Control::With)?),
            Token::Template => self.template_call()?,
            _ => {
                self.put_back();
                let pipe = self.pipeline("command", Token::RightDelimiter)?;
                self.nodes.push(Node::Action(Action { pos: item.pos, pipe }));
                return Ok(None);
            }
        };
        self.nodes.push(node);
        Ok(None)
    }

    fn loop_control(&mut self, token: Token) -> Result<Node> {
        let (text, node) =
            if token == Token::Break { ("{{break}}", Node::Break) } else { ("{{continue}}", Node::Continue) };
        let item = self.next_non_space();
        if item.token != Token::RightDelimiter {
            return self.unexpected(&item, text);
        }
        if self.tree.range_depth == 0 {
            return self.error(format_args!("{text} outside {{{{range}}}}"));
        }
        Ok(node)
    }

    /// `else`, whose keyword has been read; an `if` or `with` after it is left for [`control`](Self::control).
    fn r#else(&mut self) -> Result<Ending> {
        if !matches!(self.peek_non_space().token, Token::If | Token::With) {
            self.expect(Token::RightDelimiter, "else")?;
        }
        Ok(Ending::Else)
    }

    /// `if`, `with` or `range`, whose keyword has been read.
    fn control(&mut self, control: Control) -> Result<Branch> {
        if self.controls == MAX_CONTROLS {
            return self.error("max control structure depth exceeded");
        }
        self.controls += 1;
        self.depth = self.depth.max(self.controls);
        let branch = on_deep_stack(|| self.control_body(control));
        self.controls -= 1;
        branch
    }

    fn control_body(&mut self, control: Control) -> Result<Branch> {
        let variables = self.tree.variables.len();
        let in_range = usize::from(control == Control::Range);
        let pipe = self.pipeline(control.name(), Token::RightDelimiter)?;
        self.tree.range_depth += in_range;
        let (list, ending) = self.item_list()?;
        self.tree.range_depth -= in_range;
        let else_list = match ending {
            Ending::End => None,
            Ending::Else => Some(self.else_list(control)?),
        };
        self.tree.variables.truncate(variables);
        Ok(Branch { pipe, list, else_list })
    }

    fn else_list(&mut self, control: Control) -> Result<Block> {
        // `{{else if}}` is an `if` alone in the `else`, and shares its `end`.
        let chained = match (control, self.peek()) {
            (Control::If, Token::If) => Some(Node::If as fn(Branch) -> Node),
            (Control::With, Token::With) => Some(Node::With as fn(Branch) -> Node),
            _ => None,
        };
        if let Some(node) = chained {
            self.next();
            return Ok(Box::new([node(self.control(control)?)]));
        }
        let (list, ending) = self.item_list()?;
        if ending != Ending::End {
            return self.error(format_args!("expected end; found {}", ending.text()));
        }
        Ok(list)
    }

    /// `block`, whose keyword has been read: defines a template and calls it.
    fn block(&mut self) -> Result<Node> {
        const CONTEXT: &str = "block clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Token::RightDelimiter)?;
        if self.controls == MAX_CONTROLS {
            return self.error("max control structure depth exceeded");
        }
        self.controls += 1;
        let ending = on_deep_stack(|| {
            self.in_new_tree(|parser| {
                let (list, ending) = parser.item_list()?;
                if ending == Ending::End {
                    parser.add(name.clone(), list)?;
                }
                Ok(ending)
            })
        })?;
        if ending != Ending::End {
            // The tree around reports it, which has read no further than the block's own action.
            return self.error(format_args!("unexpected {} in {CONTEXT}", ending.text()));
        }
        self.controls -= 1;
        Ok(Node::Template(TemplateCall { pos: item.pos, name, pipe: Some(pipe) }))
    }

    /// `template`, whose keyword has been read.
    fn template_call(&mut self) -> Result<Node> {
        const CONTEXT: &str = "template clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        let pipe = if self.next_non_space().token == Token::RightDelimiter {
            None
        } else {
            self.put_back();
            Some(self.pipeline(CONTEXT, Token::RightDelimiter)?)
        };
        Ok(Node::Template(TemplateCall { pos: item.pos, name, pipe }))
    }

    fn template_name(&mut self, item: &Item<'_>, context: &str) -> Result<Str> {
        match item.token {
            Token::String | Token::RawString => self.unquote(item),
            _ => self.unexpected(item, context),
        }
    }

    fn unquote(&self, item: &Item<'_>) -> Result<Str> {
        // Most constants are plain text between their quotes.
        if let [b'"', body @ .., b'"'] = item.text
            && body.iter().all(|byte| byte.is_ascii() && !matches!(byte, b'\\' | b'\n' | b'"'))
        {
            return Ok(body.into());
        }
        match unicode::unquote(item.text) {
            Ok(text) => Ok(text.into()),
            Err(unicode::SyntaxError) => self.error("invalid syntax"),
        }
    }
}
