//! The part of a tokenizer that turns words into ids: our own byte-pair encoding, or any other of the crate's.

use crate::bpe::Bpe;
use serde::{de, Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokenizers::models::{ModelWrapper, TrainerWrapper};
use tokenizers::{Model, Token};

/// Copies share the vocabulary.
#[derive(Clone)]
pub enum AnyModel {
    Bpe(Arc<Bpe>),
    Other(Arc<ModelWrapper>),
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, rename = "type", default)]
    name: Option<Cow<'a, str>>,
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
    #[serde(default)]
    end_of_word_suffix: Option<String>,
}

impl<'de> Deserialize<'de> for AnyModel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?.get();
        let kind: Kind = serde_json::from_str(json).map_err(de::Error::custom)?;
        let marks_words = [kind.continuing_subword_prefix, kind.end_of_word_suffix].into_iter().flatten().any(|m| m != "");
        if kind.name.as_deref() == Some("BPE") && !marks_words {
            return Bpe::from_json(json).map(|bpe| AnyModel::Bpe(Arc::new(bpe))).map_err(de::Error::custom);
        }
        serde_json::from_str(json).map(|other| AnyModel::Other(Arc::new(other))).map_err(de::Error::custom)
    }
}

impl AnyModel {
    pub fn largest_id(&self) -> Option<u32> {
        match self {
            AnyModel::Bpe(bpe) => bpe.largest_id(),
            AnyModel::Other(other) => other.get_vocab().into_values().max(),
        }
    }

    pub fn unknown_token(&self) -> Option<String> {
        let other = match self {
            AnyModel::Bpe(bpe) => return bpe.unk_token.clone(),
            AnyModel::Other(other) => other,
        };
        match &**other {
            ModelWrapper::BPE(bpe) => bpe.unk_token.clone(),
            ModelWrapper::WordPiece(pieces) => Some(pieces.unk_token.clone()),
            ModelWrapper::WordLevel(words) => Some(words.unk_token.clone()),
            // Unigram keeps its unknown id to itself; the vocabulary's own name for it is the custom.
            ModelWrapper::Unigram(_) => Some("<unk>".to_string()),
        }
    }
}

impl Model for AnyModel {
    type Trainer = TrainerWrapper;

    fn tokenize(&self, word: &str) -> tokenizers::Result<Vec<Token>> {
        match self {
            AnyModel::Bpe(bpe) => bpe.tokenize(word),
            AnyModel::Other(other) => other.tokenize(word),
        }
    }

    fn token_to_id(&self, token: &str) -> Option<u32> {
        match self {
            AnyModel::Bpe(bpe) => bpe.token_to_id(token),
            AnyModel::Other(other) => other.token_to_id(token),
        }
    }

    fn id_to_token(&self, id: u32) -> Option<String> {
        match self {
            AnyModel::Bpe(bpe) => bpe.id_to_token(id),
            AnyModel::Other(other) => other.id_to_token(id),
        }
    }

    fn get_vocab(&self) -> HashMap<String, u32> {
        match self {
            AnyModel::Bpe(bpe) => bpe.vocab(),
            AnyModel::Other(other) => other.get_vocab(),
        }
    }

    fn get_vocab_size(&self) -> usize {
        match self {
            AnyModel::Bpe(bpe) => bpe.vocab_size(),
            AnyModel::Other(other) => other.get_vocab_size(),
        }
    }

    // The crate can also train and write models; nothing here asks for it.
    fn save(&self, _: &Path, _: Option<&str>) -> tokenizers::Result<Vec<PathBuf>> {
        Err("a tokenizer is not written".into())
    }

    fn get_trainer(&self) -> TrainerWrapper {
        TrainerWrapper::BpeTrainer(Default::default())
    }
}
