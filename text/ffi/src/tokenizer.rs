//! Tokenizers of the ecosystem's own crate.

use crate::model::AnyModel;
use crate::{bytes, store, text, tokenizer_check, Buffer};
use std::collections::HashSet;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use tokenizers::{AddedToken, DecoderWrapper, Model, NormalizerWrapper};
use tokenizers::{PostProcessorWrapper, PreTokenizerWrapper, TokenizerImpl};

/// The crate's tokenizer around models of which the usual one is ours.
pub type Inner =
    TokenizerImpl<AnyModel, NormalizerWrapper, PreTokenizerWrapper, PostProcessorWrapper, DecoderWrapper>;

/// One vocabulary serves both ways of reading special tokens: the switch is part of the crate's tokenizer, so encoding
/// takes the lock to set it, and readers of the same setting share it.
pub struct Tokenizer {
    inner: RwLock<Inner>,
    /// Ids of special tokens, without the one that stands for unknown text.
    control_ids: HashSet<u32>,
}

impl Tokenizer {
    fn new(json: &[u8]) -> Result<Box<Tokenizer>, String> {
        let added_tokens = tokenizer_check::check_json(json)?;
        let mut inner: Inner = serde_json::from_slice(json).map_err(|e| e.to_string())?;
        tokenizer_check::check_ids(&inner, &added_tokens)?;
        // Requests are cut to the context by the engine, which says so; a tokenizer must not cut them silently.
        inner.with_truncation(None).map_err(|e| e.to_string())?;
        inner.with_padding(None);
        let unknown = inner.get_model().unknown_token();
        let added = inner.get_added_tokens_decoder().into_iter();
        let control_ids = added.filter(|(_, t)| t.special && Some(&t.content) != unknown.as_ref()).map(|(id, _)| id);
        let control_ids = control_ids.collect();
        Ok(Box::new(Tokenizer { inner: RwLock::new(inner), control_ids }))
    }

    /// The lock guards one flag, which a panic elsewhere cannot leave half set.
    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn encode(&self, text: &str, parse_special: bool, add_special: bool) -> Result<Vec<u32>, String> {
        let as_text = !parse_special;
        {
            let reader = self.read();
            if reader.get_encode_special_tokens() == as_text {
                return self.ids(&reader, text, add_special);
            }
        }
        let mut writer = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        writer.set_encode_special_tokens(as_text);
        self.ids(&writer, text, add_special)
    }

    fn ids(&self, tokenizer: &Inner, text: &str, add_special: bool) -> Result<Vec<u32>, String> {
        let encoding = tokenizer.encode_fast(text, false).map_err(|e| e.to_string())?;
        // A model may have a control token among its words (Unigram often does): then the text alone would make it.
        if tokenizer.get_encode_special_tokens() {
            if let Some(id) = encoding.get_ids().iter().find(|id| self.control_ids.contains(id)) {
                let token = tokenizer.id_to_token(*id).unwrap_or_default();
                return Err(format!("the text would become the control token {token}; remove that token's text from it"));
            }
        }
        let encoding = tokenizer.post_process(encoding, None, add_special).map_err(|e| e.to_string())?;
        Ok(encoding.get_ids().to_vec())
    }

    /// {"vocab_size": 1 + the largest id, "is_byte_level": …, "added_tokens": [{"id", "content", "special"}, …]}
    fn describe(&self) -> Result<String, String> {
        let reader = self.read();
        let mut added: Vec<_> = reader.get_added_tokens_decoder().into_iter().collect();
        added.sort_by_key(|(id, _)| *id);
        let largest = reader.get_model().largest_id().max(added.last().map(|(id, _)| *id));
        let added: Vec<_> = added.iter().map(|(id, token)| added_token(*id, token)).collect();
        let size = largest.map_or(0, |id| u64::from(id) + 1);
        let is_byte_level = matches!(reader.get_decoder(), Some(DecoderWrapper::ByteLevel(_)));
        Ok(serde_json::json!({"vocab_size": size, "is_byte_level": is_byte_level, "added_tokens": added}).to_string())
    }

    /// What a tokenizer.json says of its tokens: {"decoder", "added_tokens", "model": {"vocab"}}
    pub fn parts(&self) -> Result<serde_json::Value, String> {
        let reader = self.read();
        let decoder = serde_json::to_value(reader.get_decoder()).map_err(|e| e.to_string())?;
        let added: Vec<_> = reader.get_added_tokens_decoder().into_iter().collect();
        Ok(serde_json::json!({
            "decoder": decoder,
            "added_tokens": added.iter().map(|(id, token)| added_token(*id, token)).collect::<Vec<_>>(),
            "model": {"vocab": reader.get_model().get_vocab()},
        }))
    }

    fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String, String> {
        let reader = self.read();
        reader.decode(ids, skip_special).map_err(|e| e.to_string())
    }

    fn spelling(&self, id: u32) -> Result<String, String> {
        let reader = self.read();
        Ok(reader.id_to_token(id).unwrap_or_default())
    }
}

fn added_token(id: u32, token: &AddedToken) -> serde_json::Value {
    serde_json::json!({"id": id, "content": token.content, "special": token.special})
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
    store(|| Tokenizer::new(bytes(json, size)).map(Box::into_raw), out, error)
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
    let encode = || (*tokenizer).encode(text(data, size)?, parse_special != 0, add_special != 0).map(ids_buffer);
    store(encode, out, error)
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
    store(|| (*tokenizer).decode(ids, skip_special != 0).map(text_buffer), out, error)
}

#[no_mangle]
pub unsafe extern "C" fn engine_tokenizer_describe(
    tokenizer: *const Tokenizer,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    store(|| (*tokenizer).describe().map(text_buffer), out, error)
}

#[no_mangle]
pub unsafe extern "C" fn engine_tokenizer_token(
    tokenizer: *const Tokenizer,
    id: u32,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    store(|| (*tokenizer).spelling(id).map(text_buffer), out, error)
}
