//! Chat templates, rendered as Hugging Face's tokenizers render them. Template and messages are untrusted.

use crate::{bytes, clock, python_json, store, text, Buffer};
use minijinja::value::{Kwargs, Serde};
use minijinja::{Environment, Error, ErrorKind, Value};
use std::time::{SystemTime, UNIX_EPOCH};

const NAME: &str = "chat_template";
/// The largest published template has 20 KB.
const MAX_SOURCE_BYTES: usize = 1 << 20;
/// Instructions of one rendering: thousands of messages with tools take fewer than a million.
const MAX_STEPS: u64 = 50_000_000;

pub struct Template {
    environment: Environment<'static>,
}

fn raise_exception(message: String) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

/// Today's date in UTC, for templates that state it.
fn strftime_now(format: String) -> Result<String, Error> {
    let unix_seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
    clock::strftime(&format, clock::Clock { unix_seconds, utc_offset_seconds: 0 })
        .map_err(|e| Error::new(ErrorKind::InvalidOperation, e))
}

fn environment() -> Result<Environment<'static>, Error> {
    let mut env = Environment::new();
    env.set_syntax(minijinja::syntax::SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    env.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    env.set_fuel(Some(MAX_STEPS));
    env.add_function("raise_exception", raise_exception);
    env.add_function("strftime_now", strftime_now);
    env.add_filter("tojson", |value: Value, kwargs: Kwargs| python_json::tojson(&value, kwargs));
    Ok(env)
}

/// What a person can act on: the template's own message, or what is wrong with it and in which line.
fn message(error: &Error) -> String {
    let detail = error.detail().unwrap_or("");
    match error.kind() {
        ErrorKind::OutOfFuel => format!("the chat template ran for more than {MAX_STEPS} steps"),
        kind => {
            let what = if detail.is_empty() { kind.to_string() } else { detail.to_string() };
            match error.line() {
                Some(line) => format!("{what} (line {line} of the chat template)"),
                None => what,
            }
        }
    }
}

impl Template {
    fn new(source: &str) -> Result<Box<Template>, String> {
        if source.len() > MAX_SOURCE_BYTES {
            return Err(format!("the chat template has {} bytes; at most {MAX_SOURCE_BYTES} are read", source.len()));
        }
        let mut env = environment().map_err(|e| message(&e))?;
        env.add_template_owned(NAME, source.to_string()).map_err(|e| message(&e))?;
        Ok(Box::new(Template { environment: env }))
    }

    fn render(&self, context: &[u8]) -> Result<String, String> {
        let context: serde_json::Value = serde_json::from_slice(context).map_err(|e| format!("the context: {e}"))?;
        let template = self.environment.get_template(NAME).map_err(|e| message(&e))?;
        template.render(Value::from(Serde(&context))).map_err(|e| message(&e))
    }
}

/// # Safety
/// As engine_text.h says; so for every function below.
#[no_mangle]
pub unsafe extern "C" fn engine_template_new(
    source: *const u8,
    size: usize,
    out: *mut *mut Template,
    error: *mut Buffer,
) -> i32 {
    store(text(source, size).and_then(Template::new).map(Box::into_raw), out, error)
}

#[no_mangle]
pub unsafe extern "C" fn engine_template_free(template: *mut Template) {
    if !template.is_null() {
        drop(Box::from_raw(template));
    }
}

#[no_mangle]
pub unsafe extern "C" fn engine_template_render(
    template: *const Template,
    context: *const u8,
    size: usize,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    let result = (*template).render(bytes(context, size)).map(|text| Buffer::from_vec(text.into_bytes()));
    store(result, out, error)
}
