//! llama.cpp's notation for grammars (GBNF), rewritten in Lark's.

use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

/// Nested groups and classes are read by recursion.
const MAX_DEPTH: usize = 64;

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    line: usize,
    depth: usize,
    out: String,
}

/// The grammar in Lark's notation; its rule `root` becomes `start`.
pub fn to_lark(text: &str) -> Result<String, String> {
    let mut reader = Reader { rest: text.chars().peekable(), line: 1, depth: 0, out: String::new() };
    reader.grammar().map_err(|error| format!("line {}: {error}", reader.line))?;
    Ok(reader.out)
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.line += usize::from(next == Some('\n'));
        next
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.next();
        }
        found
    }

    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        for character in wanted.chars() {
            if !self.take(character) {
                let found = self.peek().map_or("the end".to_string(), |c| format!("{c:?}"));
                return Err(format!("{wanted:?} is expected, not {found}"));
            }
        }
        Ok(())
    }

    /// Blanks and comments; line ends only where a rule may go on behind them.
    fn skip(&mut self, lines: bool) {
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' => {}
                '\n' | '\r' if lines => {}
                '#' => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.next();
                    }
                    continue;
                }
                _ => return,
            }
            self.next();
        }
    }

    fn grammar(&mut self) -> Result<(), String> {
        loop {
            self.skip(true);
            if self.peek().is_none() {
                return Ok(());
            }
            let name = self.name()?;
            self.skip(false);
            self.expect("::=")?;
            let _ = write!(self.out, "{name}:");
            self.alternatives(false)?;
            self.out.push('\n');
        }
    }

    /// A rule's name, which becomes one that Lark takes for a rule whatever letters it has.
    fn name(&mut self) -> Result<String, String> {
        let mut name = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
            match c {
                'A'..='Z' => {
                    let _ = write!(name, "_{}_", c.to_ascii_lowercase());
                }
                _ => name.push(c),
            }
            self.next();
        }
        match name.as_str() {
            "" => Err(format!("a rule's name is expected, not {:?}", self.peek().unwrap_or(' '))),
            "root" => Ok("start".to_string()),
            _ => Ok(format!("r-{name}")),
        }
    }

    fn alternatives(&mut self, lines: bool) -> Result<(), String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("groups are nested more than {MAX_DEPTH} deep"));
        }
        loop {
            self.skip(true);
            self.sequence(lines)?;
            if !self.take('|') {
                break;
            }
            self.out.push_str(" |");
        }
        self.depth -= 1;
        Ok(())
    }

    fn sequence(&mut self, lines: bool) -> Result<(), String> {
        loop {
            self.skip(lines);
            match self.peek() {
                Some('"') => self.string()?,
                Some('[') => self.class()?,
                Some('.') => {
                    self.next();
                    self.out.push_str(" /(.|\\n)/");
                }
                Some('(') => {
                    self.next();
                    self.out.push_str(" (");
                    self.alternatives(true)?;
                    self.expect(")")?;
                    self.out.push(')');
                }
                Some(c) if c.is_ascii_alphanumeric() || c == '_' => {
                    let name = self.name()?;
                    let _ = write!(self.out, " {name}");
                }
                _ => return Ok(()),
            }
            self.skip(lines);
            self.repetition();
        }
    }

    fn repetition(&mut self) {
        match self.peek() {
            Some(c @ ('*' | '+' | '?')) => {
                self.next();
                self.out.push(c);
            }
            Some('{') => {
                while let Some(c) = self.next() {
                    self.out.push(c);
                    if c == '}' {
                        break;
                    }
                }
            }
            _ => {}
        }
    }

    fn string(&mut self) -> Result<(), String> {
        self.next();
        let mut value = String::new();
        while !self.take('"') {
            value.push(self.character()?);
        }
        let _ = write!(self.out, " {}", serde_json::Value::from(value));
        Ok(())
    }

    fn class(&mut self) -> Result<(), String> {
        self.next();
        self.out.push_str(" /[");
        if self.take('^') {
            self.out.push('^');
        }
        while !self.take(']') {
            if self.take('-') {
                self.out.push('-');
                continue;
            }
            let code = u32::from(self.character()?);
            let _ = write!(self.out, "\\u{{{code:x}}}");
        }
        self.out.push_str("]/");
        Ok(())
    }

    fn character(&mut self) -> Result<char, String> {
        match self.next() {
            None | Some('\n') => Err("a text or class has no end".to_string()),
            Some('\\') => self.escape(),
            Some(c) => Ok(c),
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let digits = match self.next() {
            Some('n') => return Ok('\n'),
            Some('r') => return Ok('\r'),
            Some('t') => return Ok('\t'),
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            Some(c @ ('"' | '\\' | '[' | ']' | '-' | '^' | '/')) => return Ok(c),
            other => return Err(format!("unknown escape \\{}", other.unwrap_or(' '))),
        };
        let code: String = (0..digits).filter_map(|_| self.next()).collect();
        let value = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
        value.ok_or_else(|| format!("{code:?} is no character's number of {digits} digits"))
    }
}
