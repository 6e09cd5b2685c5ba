//! The list of merges of a byte-pair vocabulary, in either form that tokenizer files have.

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::Deserialize;
use std::fmt;
use std::ops::Range;

use crate::bpe::TextInto;

/// The pairs to merge, best first: what both make together, and where the second begins.
#[derive(Default)]
pub struct MergeTexts {
    pub text: String,
    pub pairs: Vec<(Range<usize>, usize)>,
}

impl MergeTexts {
    /// "left right", as older files have it.
    fn push_line<E: de::Error>(&mut self, line: &str) -> Result<(), E> {
        if line.starts_with("#version") {
            return Ok(());
        }
        let rank = self.pairs.len() + 1;
        let pair = line.split_once(' ').filter(|(_, right)| !right.contains(' '));
        let (left, right) = pair.ok_or_else(|| E::custom(format!("merge {rank} is no pair of texts")))?;
        let start = self.text.len();
        self.text.push_str(left);
        let cut = self.text.len();
        self.text.push_str(right);
        self.pairs.push((start..self.text.len(), cut));
        Ok(())
    }
}

/// One pair, in either form.
struct PairInto<'a>(&'a mut MergeTexts);

impl<'de> de::DeserializeSeed<'de> for PairInto<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PairInto<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("a pair of texts")
    }

    fn visit_str<E: de::Error>(self, line: &str) -> Result<(), E> {
        self.0.push_line(line)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut pair: S) -> Result<(), S::Error> {
        let start = self.0.text.len();
        let left = pair.next_element_seed(TextInto(&mut self.0.text))?;
        let cut = self.0.text.len();
        let right = pair.next_element_seed(TextInto(&mut self.0.text))?;
        if left.is_none() || right.is_none() || pair.next_element::<de::IgnoredAny>()?.is_some() {
            return Err(de::Error::custom("a merge is no pair of texts"));
        }
        self.0.pairs.push((start..self.0.text.len(), cut));
        Ok(())
    }
}

impl<'de> Deserialize<'de> for MergeTexts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = MergeTexts;

            fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
                out.write_str("a list of pairs of texts")
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<MergeTexts, S::Error> {
                let mut merges = MergeTexts::default();
                while list.next_element_seed(PairInto(&mut merges))?.is_some() {}
                Ok(merges)
            }
        }
        deserializer.deserialize_seq(Pairs)
    }
}
