//! Tokenizers of the ecosystem's own crate.

use crate::model::AnyModel;
use crate::{bytes, store, text, tokenizer_check, Buffer};
use std::collections::HashSet;
use tokenizers::{AddedToken, DecoderWrapper, Model, NormalizerWrapper};
use tokenizers::{PostProcessorWrapper, PreTokenizerWrapper, TokenizerImpl};

/// The crate's tokenizer around models of which the usual one is ours.
pub type Inner =
    TokenizerImpl<AnyModel, NormalizerWrapper, PreTokenizerWrapper, PostProcessorWrapper, DecoderWrapper>;

/// How special tokens are read is a switch of the crate's tokenizer, so there are two, each set once: nobody waits for who
/// reads them the other way. They share their model.
pub struct Tokenizer {
    /// Texts of special tokens become those tokens.
    parsing: Inner,
    /// They stay text.
    plain: Inner,
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
        let mut plain = inner.clone();
        plain.set_encode_special_tokens(true);
        inner.set_encode_special_tokens(false);
        Ok(Box::new(Tokenizer { parsing: inner, plain, control_ids }))
    }

    fn encode(&self, text: &str, parse_special: bool, add_special: bool) -> Result<Vec<u32>, String> {
        let tokenizer = if parse_special { &self.parsing } else { &self.plain };
        let encoding = tokenizer.encode_fast(text, false).map_err(|e| e.to_string())?;
        // A model may have a control token among its words (Unigram often does): then the text alone would make it.
        if !parse_special {
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
        let mut added: Vec<_> = self.parsing.get_added_tokens_decoder().into_iter().collect();
        added.sort_by_key(|(id, _)| *id);
        let largest = self.parsing.get_model().largest_id().max(added.last().map(|(id, _)| *id));
        let added: Vec<_> = added.iter().map(|(id, token)| added_token(*id, token)).collect();
        let size = largest.map_or(0, |id| u64::from(id) + 1);
        let is_byte_level = matches!(self.parsing.get_decoder(), Some(DecoderWrapper::ByteLevel(_)));
        Ok(serde_json::json!({"vocab_size": size, "is_byte_level": is_byte_level, "added_tokens": added}).to_string())
    }

    /// What a tokenizer.json says of its tokens: {"decoder", "added_tokens", "model": {"vocab"}}
    pub fn parts(&self) -> Result<serde_json::Value, String> {
        let decoder = serde_json::to_value(self.parsing.get_decoder()).map_err(|e| e.to_string())?;
        let added: Vec<_> = self.parsing.get_added_tokens_decoder().into_iter().collect();
        Ok(serde_json::json!({
            "decoder": decoder,
            "added_tokens": added.iter().map(|(id, token)| added_token(*id, token)).collect::<Vec<_>>(),
            "model": {"vocab": self.parsing.get_model().get_vocab()},
        }))
    }

    fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String, String> {
        self.parsing.decode(ids, skip_special).map_err(|e| e.to_string())
    }

    fn spelling(&self, id: u32) -> Result<String, String> {
        Ok(self.parsing.id_to_token(id).unwrap_or_default())
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
