//! Byte-pair encoding as the tokenizers crate has it, in a tenth of its memory and load time: texts lie in one string, and
//! nothing is stored twice. `merge` is the crate's algorithm, step for step.

use ahash::{AHashMap, RandomState};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::Deserialize;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fmt;
use tokenizers::Token;

use crate::merge_texts::MergeTexts;

/// Ids stand in a table; published vocabularies end below 2^18.
const MAX_ID: u32 = (1 << 24) - 1;

struct Entry {
    start: u32,
    end: u32,
    id: u32,
}

/// Where a token stands, beside enough of its hash to tell it from most others without looking there.
#[derive(Clone, Copy, Default)]
struct Slot {
    hash: u32,
    entry: u32, // 1 + its index; 0: free
}

/// Tokens by text and by id. Where a text comes twice, the last id counts.
#[derive(Default)]
pub struct Vocabulary {
    text: String,
    entries: Vec<Entry>,
    by_id: Vec<u32>,  // 1 + the entry; 0: no token has this id
    slots: Vec<Slot>, // each in the place of its hash or the next free one; a power of two of them, some free
    hasher: RandomState,
}

impl Vocabulary {
    /// Of all tokens at once: a table that grows hashes each of them again and again.
    fn new(text: String, tokens: Vec<Entry>) -> Vocabulary {
        let slots = vec![Slot::default(); (tokens.len() * 3 / 2 + 1).next_power_of_two()];
        let entries = Vec::with_capacity(tokens.len());
        let mut all = Vocabulary { text, entries, slots, ..Default::default() };
        for token in tokens {
            let (place, hash) = all.place(all.text_of(&token));
            match all.slots[place].entry {
                0 => {
                    all.entries.push(token);
                    all.slots[place] = Slot { hash, entry: all.entries.len() as u32 };
                }
                known => all.entries[known as usize - 1].id = token.id,
            }
        }
        all.by_id = vec![0; all.largest_id().map_or(0, |id| id as usize + 1)];
        for (index, entry) in all.entries.iter().enumerate() {
            all.by_id[entry.id as usize] = index as u32 + 1;
        }
        all
    }

    fn text_of(&self, entry: &Entry) -> &str {
        &self.text[entry.start as usize..entry.end as usize]
    }

    /// Where the text is, or where it would go; and its hash.
    fn place(&self, token: &str) -> (usize, u32) {
        let hash = self.hasher.hash_one(token);
        let (mask, short) = (self.slots.len() - 1, (hash >> 32) as u32);
        let mut place = hash as usize & mask;
        loop {
            let slot = self.slots[place];
            let same = |entry: u32| self.text_of(&self.entries[entry as usize - 1]) == token;
            if slot.entry == 0 || (slot.hash == short && same(slot.entry)) {
                return (place, short);
            }
            place = (place + 1) & mask;
        }
    }

    fn get(&self, token: &str) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        self.slots[self.place(token).0].entry.checked_sub(1).map(|index| self.entries[index as usize].id)
    }

    fn token(&self, id: u32) -> Option<&str> {
        let index = self.by_id.get(id as usize)?.checked_sub(1)?;
        Some(self.text_of(&self.entries[index as usize]))
    }

    fn largest_id(&self) -> Option<u32> {
        self.entries.iter().map(|entry| entry.id).max()
    }
}

impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tokens;
        impl<'de> Visitor<'de> for Tokens {
            type Value = Vocabulary;

            fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
                out.write_str("an object of tokens and their ids")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Vocabulary, M::Error> {
                let (mut text, mut tokens) = (String::new(), Vec::new());
                loop {
                    let start = text.len() as u32;
                    if map.next_key_seed(TextInto(&mut text))?.is_none() {
                        return Ok(Vocabulary::new(text, tokens));
                    }
                    let id = map.next_value::<u32>()?;
                    if id > MAX_ID {
                        return Err(de::Error::custom(format!(
                            "its largest id is {id} or more; ids from 0 to {MAX_ID} are supported"
                        )));
                    }
                    tokens.push(Entry { start, end: text.len() as u32, id });
                }
            }
        }
        deserializer.deserialize_map(Tokens)
    }
}

/// Appends a text to a string, without an allocation of its own.
pub struct TextInto<'a>(pub &'a mut String);

impl<'de> de::DeserializeSeed<'de> for TextInto<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for TextInto<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("a text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.0.push_str(text);
        Ok(())
    }
}

#[derive(Deserialize)]
struct File {
    vocab: Vocabulary,
    merges: MergeTexts,
    unk_token: Option<String>,
    #[serde(default)]
    fuse_unk: Option<bool>,
    #[serde(default)]
    byte_fallback: Option<bool>,
    #[serde(default)]
    ignore_merges: Option<bool>,
}

struct Merge {
    rank: u32,
    id: u32, // of what both make
}

pub struct Bpe {
    vocabulary: Vocabulary,
    merges: AHashMap<(u32, u32), Merge>,
    pub unk_token: Option<String>,
    fuse_unk: bool,
    byte_fallback: bool,
    ignore_merges: bool,
}

/// A piece of a word while it is merged; pieces that were merged into another have no bytes.
#[derive(Clone, Copy)]
struct Symbol {
    id: u32,
    prev: isize,
    next: isize,
    bytes: usize,
}

impl Bpe {
    /// From the `model` section of a tokenizer.json, which has neither a prefix nor a suffix for parts of words.
    pub fn from_json(json: &str) -> Result<Bpe, String> {
        let file: File = serde_json::from_str(json).map_err(|e| e.to_string())?;
        let id_of = |text: &str| file.vocab.get(text).ok_or_else(|| format!("Token `{text}` out of vocabulary"));
        let mut merges = AHashMap::with_capacity(file.merges.pairs.len());
        for (rank, (all, cut)) in file.merges.pairs.iter().enumerate() {
            let text = &file.merges.text;
            let pair = (id_of(&text[all.start..*cut])?, id_of(&text[*cut..all.end])?);
            merges.insert(pair, Merge { rank: rank as u32, id: id_of(&text[all.clone()])? });
        }
        Ok(Bpe {
            vocabulary: file.vocab,
            merges,
            unk_token: file.unk_token,
            fuse_unk: file.fuse_unk.unwrap_or(false),
            byte_fallback: file.byte_fallback.unwrap_or(false),
            ignore_merges: file.ignore_merges.unwrap_or(false),
        })
    }

    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.vocabulary.get(token)
    }

    pub fn id_to_token(&self, id: u32) -> Option<String> {
        self.vocabulary.token(id).map(str::to_string)
    }

    pub fn vocab_size(&self) -> usize {
        self.vocabulary.entries.len()
    }

    pub fn largest_id(&self) -> Option<u32> {
        self.vocabulary.largest_id()
    }

    pub fn vocab(&self) -> HashMap<String, u32> {
        let entries = self.vocabulary.entries.iter();
        entries.map(|entry| (self.vocabulary.text_of(entry).to_string(), entry.id)).collect()
    }

    pub fn tokenize(&self, word: &str) -> tokenizers::Result<Vec<Token>> {
        if word.is_empty() {
            return Ok(vec![]);
        }
        if let Some(id) = self.vocabulary.get(word).filter(|_| self.ignore_merges) {
            return Ok(vec![Token::new(id, word.to_string(), (0, word.len()))]);
        }
        let mut symbols = self.characters(word)?;
        self.merge(&mut symbols);
        let mut at = 0;
        let pieces = symbols.iter().filter(|symbol| symbol.bytes != 0).map(|symbol| {
            let offsets = (at, at + symbol.bytes);
            at = offsets.1;
            Token::new(symbol.id, self.id_to_token(symbol.id).unwrap_or_default(), offsets)
        });
        Ok(pieces.collect())
    }

    /// The word as one symbol per character. Characters without a token become bytes where the model has them, else the
    /// unknown token, one for each or for a whole run of them; without that they vanish.
    fn characters(&self, word: &str) -> tokenizers::Result<Vec<Symbol>> {
        let mut symbols: Vec<Symbol> = Vec::with_capacity(word.len());
        let mut unknown: Option<(u32, usize)> = None;
        let mut buffer = [0; 4];
        for character in word.chars() {
            let text: &str = character.encode_utf8(&mut buffer);
            if let Some(id) = self.vocabulary.get(text) {
                push(&mut symbols, unknown.take());
                push(&mut symbols, Some((id, text.len())));
                continue;
            }
            if let Some(ids) = self.bytes(text) {
                ids.into_iter().for_each(|id| push(&mut symbols, Some((id, 1))));
                continue;
            }
            let Some(name) = &self.unk_token else { continue };
            let id = self.vocabulary.get(name).ok_or_else(|| format!("Unk token `{name}` not found in the vocabulary"))?;
            unknown = match unknown {
                Some((id, bytes)) if self.fuse_unk => Some((id, bytes + text.len())),
                earlier => {
                    push(&mut symbols, earlier);
                    Some((id, text.len()))
                }
            };
        }
        push(&mut symbols, unknown);
        Ok(symbols)
    }

    /// The tokens of a text's bytes, where the model falls back on them and has all of them.
    fn bytes(&self, text: &str) -> Option<Vec<u32>> {
        if !self.byte_fallback {
            return None;
        }
        text.bytes().map(|byte| self.vocabulary.get(&format!("<{byte:#04X}>"))).collect()
    }

    /// Merges the pair of the best rank, the leftmost of equals, until no pair is left.
    fn merge(&self, symbols: &mut [Symbol]) {
        let candidate = |symbols: &[Symbol], at: usize, next: usize| {
            let merge = self.merges.get(&(symbols[at].id, symbols[next].id))?;
            Some(Reverse((merge.rank, at, merge.id)))
        };
        let mut queue: BinaryHeap<_> = (1..symbols.len()).filter_map(|next| candidate(symbols, next - 1, next)).collect();
        while let Some(Reverse((_, at, id))) = queue.pop() {
            if symbols[at].bytes == 0 || symbols[at].next == -1 {
                continue;
            }
            let right = symbols[symbols[at].next as usize];
            // The entry may have expired: the pair is another one by now.
            if self.merges.get(&(symbols[at].id, right.id)).is_none_or(|merge| merge.id != id) {
                continue;
            }
            symbols[symbols[at].next as usize].bytes = 0;
            symbols[at].id = id;
            symbols[at].bytes += right.bytes;
            symbols[at].next = right.next;
            if right.next >= 0 {
                symbols[right.next as usize].prev = at as isize;
                queue.extend(candidate(symbols, at, right.next as usize));
            }
            if symbols[at].prev >= 0 {
                queue.extend(candidate(symbols, symbols[at].prev as usize, at));
            }
        }
    }
}

/// Appends a symbol of an id and a number of bytes, if there is one.
fn push(symbols: &mut Vec<Symbol>, symbol: Option<(u32, usize)>) {
    let Some((id, bytes)) = symbol else { return };
    let at = symbols.len() as isize;
    if let Some(last) = symbols.last_mut() {
        last.next = at;
    }
    symbols.push(Symbol { id, prev: at - 1, next: -1, bytes });
}
