//! Tokenizers of the ecosystem's own crate.

use crate::{bytes, store, text, Buffer};
use std::sync::RwLock;

/// One vocabulary serves both ways of reading special tokens: the switch is part of the crate's tokenizer, so encoding
/// takes the lock to set it, and readers of the same setting share it.
pub struct Tokenizer {
    inner: RwLock<tokenizers::Tokenizer>,
}

const POISONED: &str = "the tokenizer failed in another thread";

impl Tokenizer {
    fn new(json: &[u8]) -> Result<Box<Tokenizer>, String> {
        let mut inner = tokenizers::Tokenizer::from_bytes(json).map_err(|e| e.to_string())?;
        // Requests are cut to the context by the engine, which says so; a tokenizer must not cut them silently.
        inner.with_truncation(None).map_err(|e| e.to_string())?;
        inner.with_padding(None);
        Ok(Box::new(Tokenizer { inner: RwLock::new(inner) }))
    }

    fn encode(&self, text: &str, parse_special: bool, add_special: bool) -> Result<Vec<u32>, String> {
        let as_text = !parse_special;
        {
            let reader = self.inner.read().map_err(|_| POISONED)?;
            if reader.get_encode_special_tokens() == as_text {
                return ids(&reader, text, add_special);
            }
        }
        let mut writer = self.inner.write().map_err(|_| POISONED)?;
        writer.set_encode_special_tokens(as_text);
        ids(&writer, text, add_special)
    }

    /// {"vocab_size": 1 + the largest id, "added_tokens": [{"id", "content", "special"}, …]}
    fn describe(&self) -> Result<String, String> {
        let reader = self.inner.read().map_err(|_| POISONED)?;
        let largest = reader.get_vocab(true).values().copied().max();
        let mut added: Vec<_> = reader.get_added_tokens_decoder().into_iter().collect();
        added.sort_by_key(|(id, _)| *id);
        let added: Vec<_> = added
            .into_iter()
            .map(|(id, token)| serde_json::json!({"id": id, "content": token.content, "special": token.special}))
            .collect();
        let size = largest.map_or(0, |id| u64::from(id) + 1);
        Ok(serde_json::json!({"vocab_size": size, "added_tokens": added}).to_string())
    }

    fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String, String> {
        let reader = self.inner.read().map_err(|_| POISONED)?;
        reader.decode(ids, skip_special).map_err(|e| e.to_string())
    }

    fn spelling(&self, id: u32) -> Result<String, String> {
        let reader = self.inner.read().map_err(|_| POISONED)?;
        Ok(reader.id_to_token(id).unwrap_or_default())
    }
}

fn ids(tokenizer: &tokenizers::Tokenizer, text: &str, add_special: bool) -> Result<Vec<u32>, String> {
    let encoding = tokenizer.encode_fast(text, add_special).map_err(|e| e.to_string())?;
    Ok(encoding.get_ids().to_vec())
}

fn ids_buffer(ids: Vec<u32>) -> Buffer {
    Buffer::from_vec(ids.iter().flat_map(|id| id.to_ne_bytes()).collect())
}

fn text_buffer(text: String) -> Buffer {
    Buffer::from_vec(text.into_bytes())
}

/// # Safety
/// As engine_text.h says; so for every function below.
#[no_mangle]
pub unsafe extern "C" fn engine_tokenizer_new(
    json: *const u8,
    size: usize,
    out: *mut *mut Tokenizer,
    error: *mut Buffer,
) -> i32 {
    store(Tokenizer::new(bytes(json, size)).map(Box::into_raw), out, error)
}

#[no_mangle]
pub unsafe extern "C" fn engine_tokenizer_free(tokenizer: *mut Tokenizer) {
    if !tokenizer.is_null() {
        drop(Box::from_raw(tokenizer));
    }
}

#[no_mangle]
pub unsafe extern "C" fn engine_tokenizer_encode(
    tokenizer: *const Tokenizer,
    data: *const u8,
    size: usize,
    parse_special: i32,
    add_special: i32,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    let result = text(data, size).and_then(|text| (*tokenizer).encode(text, parse_special != 0, add_special != 0));
    store(result.map(ids_buffer), out, error)
}

#[no_mangle]
pub unsafe extern "C" fn engine_tokenizer_decode(
    tokenizer: *const Tokenizer,
    ids: *const u32,
    count: usize,
    skip_special: i32,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    let ids = if count == 0 { &[] } else { std::slice::from_raw_parts(ids, count) };
    store((*tokenizer).decode(ids, skip_special != 0).map(text_buffer), out, error)
}

#[no_mangle]
pub unsafe extern "C" fn engine_tokenizer_describe(
    tokenizer: *const Tokenizer,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    store((*tokenizer).describe().map(text_buffer), out, error)
}

#[no_mangle]
pub unsafe extern "C" fn engine_tokenizer_token(
    tokenizer: *const Tokenizer,
    id: u32,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    store((*tokenizer).spelling(id).map(text_buffer), out, error)
}
