//! What a tokenizer.json may hold. The crate that reads it trusts it: contradictions are resolved in silence, and
//! patterns and replacements may cost any time and memory.

use crate::tokenizer::Inner;
use fancy_regex::{Error, RegexBuilder, RuntimeError};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashSet;

/// The crate compares each added token with all before it, and no published tokenizer has 10,000.
const MAX_ADDED_TOKENS: usize = 1 << 15;
/// How much longer a text may become: a blank is replaced by three bytes, twice in some files.
const MAX_GROWTH: usize = 32;
/// Published patterns take a few hundred steps for a probe; a pattern that explodes takes all there are.
const MAX_PROBE_STEPS: usize = 20_000;
const PROBE_BYTES: usize = 256;

#[derive(Deserialize)]
pub struct AddedToken {
    pub id: u32,
    pub content: String,
}

#[derive(Deserialize)]
struct Sections {
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    decoder: Value,
    model: Model,
}

#[derive(Deserialize)]
struct Model {
    dropout: Option<f32>,
}

pub fn check_json(json: &[u8]) -> Result<Vec<AddedToken>, String> {
    let sections: Sections = serde_json::from_slice(json).map_err(|e| e.to_string())?;
    if let Some(dropout) = sections.model.dropout.filter(|dropout| *dropout != 0.0) {
        return Err(format!("its model drops merges at random (dropout is {dropout}); set dropout to null"));
    }
    let count = sections.added_tokens.len();
    if count > MAX_ADDED_TOKENS {
        return Err(format!("it has {count} added tokens; at most {MAX_ADDED_TOKENS} are read"));
    }
    for (name, section) in
        [("normalizer", &sections.normalizer), ("pre_tokenizer", &sections.pre_tokenizer), ("decoder", &sections.decoder)]
    {
        let growth = growth(section);
        if growth > MAX_GROWTH {
            return Err(format!("its {name} makes text {growth} times longer; at most {MAX_GROWTH} times is supported"));
        }
        check_patterns(section)?;
    }
    Ok(sections.added_tokens)
}

pub fn check_ids(tokenizer: &Inner, added_tokens: &[AddedToken]) -> Result<(), String> {
    for token in added_tokens {
        let id = tokenizer.token_to_id(&token.content);
        if id != Some(token.id) && !token.content.is_empty() {
            let id = id.map_or("none".to_string(), |id| id.to_string());
            return Err(format!(
                "its added token \"{}\" has id {}, but the vocabulary's order gives it {id}; number added tokens in order \
                 after the vocabulary",
                token.content, token.id
            ));
        }
    }
    Ok(())
}

/// The most that the replacements below a value multiply a text by.
fn growth(section: &Value) -> usize {
    let inner = match section {
        Value::Array(items) => items.iter().map(growth).fold(1, usize::saturating_mul),
        Value::Object(fields) => fields.values().map(growth).fold(1, usize::saturating_mul),
        _ => 1,
    };
    let Some(content) = section.get("content").and_then(Value::as_str) else { return inner };
    // A regular expression may match the empty text before every byte.
    let Some(pattern) = section.get("pattern") else { return inner };
    let own = match pattern.get("String").and_then(Value::as_str) {
        Some(text) if !text.is_empty() => content.len().div_ceil(text.len()),
        _ => 1 + content.len(),
    };
    inner.saturating_mul(own.max(1))
}

fn check_patterns(section: &Value) -> Result<(), String> {
    match section {
        Value::Array(items) => items.iter().try_for_each(check_patterns),
        Value::Object(fields) => fields.iter().try_for_each(|(name, value)| match value.as_str() {
            Some(pattern) if name == "Regex" => check_pattern(pattern),
            _ => check_patterns(value),
        }),
        _ => Ok(()),
    }
}

fn check_pattern(pattern: &str) -> Result<(), String> {
    let regex = RegexBuilder::new(pattern).backtrack_limit(MAX_PROBE_STEPS).build();
    let regex = regex.map_err(|e| format!("the regular expression {pattern} is not valid: {e}"))?;
    let usual = ["a", "A", "0", " ", "\n", "\r\n", "!", "'", "aA", "a ", "a0", " a!", "\u{e9}", "\u{4e2d}"];
    let own: HashSet<String> = pattern.chars().map(String::from).collect();
    for unit in usual.into_iter().chain(own.iter().map(String::as_str)) {
        for end in ["", "!", "a", "\u{4e2d}"] {
            let probe = unit.repeat(PROBE_BYTES / unit.len()) + end;
            let exploded = |found: Result<_, Error>| {
                matches!(found, Err(Error::RuntimeError(RuntimeError::BacktrackLimitExceeded | RuntimeError::StackOverflow)))
            };
            if regex.find_iter(&probe).any(|found| exploded(found.map(drop))) {
                return Err(format!("the regular expression {pattern} takes exponential time; remove its nested repetition"));
            }
        }
    }
    Ok(())
}
