//! What a request says an answer must look like, as a grammar of llguidance.

use crate::gbnf;
use llguidance::api::TopLevelGrammar;
use llguidance::JsonCompileOptions;
use serde_json::{json, Value};

/// As EngineGrammarKind in engine_text.h.
const JSON_SCHEMA: i32 = 1;
const JSON_OBJECT: i32 = 2;
const REGEX: i32 = 3;
const CHOICE: i32 = 4;
const LARK: i32 = 5;
const GBNF: i32 = 6;

/// Longer texts are refused: the largest published schemas have half of it.
const MAX_BYTES: usize = 1 << 20;
/// What makes a reader go deeper; what is nested deeper than this was made to break one.
const MAX_DEPTH: usize = 256;

/// Each pattern of a schema's keys is compared with each other, at up to a millisecond.
const MAX_KEY_PATTERNS: usize = 64;

/// Between the parts of a JSON text. A model that wants to can write blanks forever; this ends it, and is wide enough
/// for lines indented by 60.
const JSON_BLANKS: &str = r"[ \n\r\t]{1,64}";

/// `before` is a Lark grammar that names the one of `text` @answer; empty: there is nothing before.
pub fn parse_behind(before: &str, kind: i32, text: &str) -> Result<TopLevelGrammar, String> {
    let mut answer = parse(kind, text)?;
    if before.is_empty() {
        return Ok(answer);
    }
    answer.grammars[0].name = Some("answer".to_string());
    let mut all = TopLevelGrammar::from_lark(before.to_string());
    all.grammars.append(&mut answer.grammars);
    Ok(all)
}

fn parse(kind: i32, text: &str) -> Result<TopLevelGrammar, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("it has {} bytes; at most {MAX_BYTES} are read", text.len()));
    }
    match kind {
        JSON_SCHEMA => json_schema(serde_json::from_str(text).map_err(|e| format!("it is not JSON: {e}"))?),
        JSON_OBJECT => json_schema(json!({"type": "object"})),
        REGEX => check_depth(text).map(|()| TopLevelGrammar::from_regex(unanchored(text))),
        CHOICE => choice(text),
        LARK => check_depth(text).map(|()| TopLevelGrammar::from_lark(text.to_string())),
        GBNF => gbnf::to_lark(text).map(TopLevelGrammar::from_lark),
        _ => Err(format!("there is no kind of grammar {kind}")),
    }
}

fn json_schema(mut schema: Value) -> Result<TopLevelGrammar, String> {
    if schema == Value::Bool(true) {
        schema = json!({});
    }
    if !schema.is_object() {
        return Err("it is no JSON object".to_string());
    }
    let patterns = num_key_patterns(&schema);
    if patterns > MAX_KEY_PATTERNS {
        return Err(format!("it has {patterns} patternProperties; at most {MAX_KEY_PATTERNS} are compiled"));
    }
    // Replaces what the schema itself may say, which could ask for keywords to be ignored.
    let options = JsonCompileOptions { whitespace_pattern: Some(JSON_BLANKS.to_string()), ..Default::default() };
    options.apply_to(&mut schema);
    Ok(TopLevelGrammar::from_json_schema(schema))
}

fn num_key_patterns(schema: &Value) -> usize {
    match schema {
        Value::Object(members) => {
            let own = members.get("patternProperties").and_then(Value::as_object).map_or(0, |patterns| patterns.len());
            own + members.values().map(num_key_patterns).sum::<usize>()
        }
        Value::Array(items) => items.iter().map(num_key_patterns).sum(),
        _ => 0,
    }
}

fn choice(text: &str) -> Result<TopLevelGrammar, String> {
    let choices: Vec<String> = serde_json::from_str(text).map_err(|e| format!("it is no JSON list of texts: {e}"))?;
    if choices.is_empty() || choices.iter().any(String::is_empty) {
        return Err("there must be one choice at least, and none may be empty".to_string());
    }
    let quoted: Vec<String> = choices.into_iter().map(|choice| Value::from(choice).to_string()).collect();
    Ok(TopLevelGrammar::from_lark(format!("start: {}", quoted.join(" | "))))
}

/// The whole answer is matched in any case.
fn unanchored(regex: &str) -> &str {
    let regex = regex.strip_prefix('^').unwrap_or(regex);
    match regex.strip_suffix('$') {
        Some(rest) if rest.len() == rest.trim_end_matches('\\').len() => rest,
        _ => regex,
    }
}

fn check_depth(text: &str) -> Result<(), String> {
    let mut depth = 0usize;
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(format!("brackets are nested more than {MAX_DEPTH} deep"));
        }
    }
    Ok(())
}
