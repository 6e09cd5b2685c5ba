//! A tokenizer's vocabulary as grammars see it: the bytes that each token adds to an answer.

use crate::tokenizer::Tokenizer;
use llguidance::token_bytes_from_tokenizer_json;
use llguidance::toktrie::{TokRxInfo, TokTrie, TokenId, TokenizerEnv, INVALID_TOKEN};

pub struct Vocabulary {
    trie: TokTrie,
}

impl Vocabulary {
    /// Of the ids below `size`. Control tokens are apart from text of the same spelling; `end_ids` may follow where an
    /// answer is complete.
    pub fn new(tokenizer: &Tokenizer, size: u32, end_ids: &[u32]) -> Result<Vocabulary, String> {
        let mut words = token_bytes_from_tokenizer_json(&tokenizer.parts()?).map_err(|e| e.to_string())?;
        words.resize(size as usize, vec![]);
        let trie = TokTrie::from(&TokRxInfo::new(size, INVALID_TOKEN), &words);
        Ok(Vocabulary { trie: if end_ids.is_empty() { trie } else { trie.with_eos_tokens(end_ids) } })
    }
}

impl TokenizerEnv for Vocabulary {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, text: &[u8]) -> Vec<TokenId> {
        self.trie.greedy_tokenize(text)
    }

    /// No spelling of a text is better than another: a mask allows every token that the grammar allows.
    fn tokenize_is_canonical(&self) -> bool {
        false
    }
}
