//! Chat templates, rendered as Hugging Face's tokenizers render them. Template and messages are untrusted.

use crate::{bytes, clock, generation_tags, on_stack, python_json, step_meter, store, text, Buffer};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, ValueKind};
use minijinja::{machinery, AutoEscape, Environment, Error, ErrorKind, State, Value};
use std::time::{SystemTime, UNIX_EPOCH};

const NAME: &str = "chat_template";
/// The largest published template has 20 KB.
const MAX_SOURCE_BYTES: usize = 1 << 18;
/// What one rendering may cost, in instructions, values visited and pieces of 64 bytes made: so much for any template,
/// and more for long conversations. Published templates take 3 to 5 for each byte of a conversation.
const MAX_STEPS: u64 = 500_000;
const STEPS_PER_CONTEXT_BYTE: u64 = 64;
/// A source of the largest size can nest values 100,000 deep without a loop, and printing takes 300 bytes per level.
const STACK_BYTES: usize = 128 << 20;

/// The source is compiled anew by every rendering: that takes a millisecond, and compiled code borrows its source.
pub struct Template {
    source: String,
}

fn raise_exception(message: String) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

/// Today's date in UTC, for templates that state it.
fn strftime_now(format: String) -> Result<String, Error> {
    let unix_seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
    clock::strftime(&format, unix_seconds).map_err(|e| Error::new(ErrorKind::InvalidOperation, e))
}

/// Python's methods, but for the widths of str.format: the library allocates them before it counts them.
fn python_method(state: &mut State, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    let has_spec = |text: &str| text.split('{').skip(1).any(|field| field.split('}').next().unwrap_or("").contains(':'));
    if method == "format" && value.as_str().is_some_and(has_spec) {
        return Err(Error::new(ErrorKind::InvalidOperation, "str.format: format specifications are not supported"));
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args)
}

fn syntax() -> Result<SyntaxConfig, Error> {
    SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()
}

fn environment(max_steps: u64) -> Environment<'static> {
    let mut env = Environment::new();
    env.set_unknown_method_callback(python_method);
    env.set_fuel(Some(max_steps));
    env.add_function("raise_exception", raise_exception);
    env.add_function("strftime_now", strftime_now);
    env.add_filter("tojson", python_json::tojson);
    // As in Python: whatever has a length and is read by index or key.
    env.add_test("sequence", |value: &Value| matches!(value.kind(), ValueKind::Seq | ValueKind::String | ValueKind::Map));
    step_meter::add_filters(&mut env);
    env
}

/// What a person can act on: the template's own message, or what is wrong with it and in which line.
fn message(error: &Error) -> String {
    let detail = error.detail().unwrap_or("");
    match error.kind() {
        ErrorKind::OutOfFuel => "it takes more steps or memory than its messages justify; fix its loops".to_string(),
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
            return Err(format!("it has {} bytes; at most {MAX_SOURCE_BYTES} are read", source.len()));
        }
        let source = generation_tags::replace(source);
        on_stack(STACK_BYTES, || syntax().and_then(|syntax| step_meter::compile(NAME, &source, syntax)).map(drop).map_err(|e| message(&e)))?;
        Ok(Box::new(Template { source }))
    }

    fn render(&self, context: &[u8]) -> Result<String, String> {
        on_stack(STACK_BYTES, || {
            let max_steps = MAX_STEPS + STEPS_PER_CONTEXT_BYTE * context.len() as u64;
            let context: serde_json::Value = serde_json::from_slice(context).map_err(|e| format!("the context: {e}"))?;
            self.render_value(Value::from(Serde(&context)), max_steps).map_err(|e| message(&e))
        })
    }

    fn render_value(&self, context: Value, max_steps: u64) -> Result<String, Error> {
        let program = step_meter::compile(NAME, &self.source, syntax()?)?;
        let env = environment(max_steps);
        let mut out = String::new();
        let mut output = machinery::make_string_output(&mut out);
        machinery::eval(&env, &program.main, context, &program.blocks, &mut output, AutoEscape::None)?;
        Ok(out)
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
    store(|| text(source, size).and_then(Template::new).map(Box::into_raw), out, error)
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
    store(|| (*template).render(bytes(context, size)).map(|text| Buffer::from_vec(text.into_bytes())), out, error)
}
