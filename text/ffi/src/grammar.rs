//! Grammars that answers must follow: compiled within a budget, and where an answer stands in one.

use crate::grammar_source;
use crate::grammar_vocabulary::Vocabulary;
use crate::tokenizer::Tokenizer;
use crate::{caught, store, text, Buffer};
use llguidance::api::ParserLimits;
use llguidance::toktrie::{SimpleVob, TokenizerEnv};
use llguidance::{CancellationHandle, Matcher, ParserFactory};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{mpsc, Arc};
use std::thread;
use std::time::Duration;

/// Compilations go on past their time until they reach a limit below; as long as this many do, no other is begun.
const MAX_OVERDUE: usize = 2;
/// Of a thread that compiles: readers of schemas and regular expressions recurse into what their limits allow.
const STACK_BYTES: usize = 256 << 20;

const CANCELLED: &str = "it takes more time than a token is granted; make it simpler, with less that is ambiguous";

/// About what each bound costs is said where llguidance declares them.
fn limits() -> ParserLimits {
    ParserLimits {
        initial_lexer_fuel: 1_000_000, // 20 ms; what the largest published schemas need is half of it
        max_grammar_size: 500_000,     // symbols
        max_lexer_states: 50_000,      // 100 MB, of one grammar
        max_items_in_row: 2000,
        step_lexer_fuel: 100_000, // 7 ms for a token
        step_max_items: 50_000,   // 3 ms for a token
        precompute_large_lexemes: false, // seconds for some regular expressions
        verbose_errors: false,
    }
}

/// What the grammars of one vocabulary share.
pub struct Grammars {
    factory: ParserFactory,
    overdue: AtomicUsize,
}

impl Grammars {
    fn new(tokenizer: &Tokenizer, vocab_size: u32, end_ids: &[u32]) -> Result<Arc<Grammars>, String> {
        let vocabulary: Arc<dyn TokenizerEnv + Sync> = Arc::new(Vocabulary::new(tokenizer, vocab_size, end_ids)?);
        let mut factory = ParserFactory::new_simple(&vocabulary).map_err(|e| e.to_string())?;
        *factory.limits_mut() = limits();
        factory.quiet();
        Ok(Arc::new(Grammars { factory, overdue: AtomicUsize::new(0) }))
    }

    /// On a thread of its own, which is left to itself when the time is over.
    fn compile(self: &Arc<Self>, kind: i32, text: &str, before: &str, limit: Duration) -> Result<Compiled, String> {
        if self.overdue.load(Ordering::Relaxed) >= MAX_OVERDUE {
            return Err("too many grammars that took too long are still being given up; try again later".to_string());
        }
        let (sender, receiver) = mpsc::sync_channel(0);
        let (all, text, before) = (Arc::clone(self), text.to_string(), before.to_string());
        let work = move || {
            let compiled = caught(|| Compiled::new(&all, kind, &text, &before));
            if sender.send(()).is_err() {
                all.overdue.fetch_sub(1, Ordering::Relaxed);
            }
            compiled
        };
        let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(work);
        let thread = thread.map_err(|e| format!("no thread could be started: {e}"))?;
        if receiver.recv_timeout(limit).is_err() {
            self.overdue.fetch_add(1, Ordering::Relaxed);
            return Err(format!("it was not compiled within {} ms; make it simpler", limit.as_millis()));
        }
        // Hands over by what ThreadSanitizer sees, as it does not the channel.
        thread.join().unwrap_or_else(|_| Err("the thread ended without a result".to_string()))
    }
}

/// A grammar before any answer to it.
pub struct Compiled(Matcher);

impl Compiled {
    fn new(all: &Grammars, kind: i32, text: &str, before: &str) -> Result<Compiled, String> {
        let parser = all.factory.create_parser(grammar_source::parse_behind(before, kind, text)?);
        let matcher = Matcher::new(parser);
        match matcher.get_error() {
            None => Ok(Compiled(matcher)),
            Some(error) => Err(first_lines(&error)),
        }
    }

    /// At its begin. Answers share only what none of them changes.
    fn answer(&self) -> Answer {
        let matcher = self.0.deep_clone().into_cancellable();
        let cancellation = matcher.cancellation_handle().unwrap_or_default();
        Answer { cancellation, grammar: Grammar { matcher, next: None } }
    }
}

/// What an answer is held to. Another thread may cancel it while one asks the grammar.
pub struct Answer {
    cancellation: CancellationHandle,
    grammar: Grammar,
}

/// Where an answer stands in a grammar.
struct Grammar {
    matcher: Matcher,
    next: Option<SimpleVob>, // the tokens that may follow, once computed
}

impl Grammar {
    fn ask<T, E: std::fmt::Display>(&mut self, call: impl FnOnce(&mut Matcher) -> Result<T, E>) -> Result<T, String> {
        let result = call(&mut self.matcher);
        if self.matcher.is_cancelled() {
            return Err(CANCELLED.to_string());
        }
        result.map_err(|e| first_lines(&e.to_string()))
    }

    /// Sets a bit for each token that may follow; whether the answer may end here.
    fn mask(&mut self, words: &mut [u32]) -> Result<i32, String> {
        if self.next.is_none() {
            self.next = Some(self.ask(Matcher::compute_mask_or_eos)?);
        }
        let mask = self.next.as_ref().map_or(&[][..], SimpleVob::as_slice);
        let count = words.len().min(mask.len());
        words[..count].copy_from_slice(&mask[..count]);
        words[count..].fill(0);
        self.ask(Matcher::is_accepting).map(i32::from)
    }

    /// How many of the tokens may follow one another here; the answer goes on behind those.
    fn advance(&mut self, tokens: &[u32]) -> Result<usize, String> {
        self.next = None;
        self.ask(|matcher| matcher.try_consume_tokens(tokens))
    }

    fn rollback(&mut self, count: usize) -> Result<(), String> {
        self.next = None;
        self.ask(|matcher| matcher.rollback(count))
    }

    /// The bytes that must follow.
    fn forced(&mut self) -> Result<Vec<u8>, String> {
        self.ask(|matcher| Ok::<_, String>(matcher.compute_ff_bytes()))
    }
}

/// Of errors that go on with traces.
fn first_lines(error: &str) -> String {
    if error.contains("NoExtensionBias") {
        return "no text that the model can write satisfies it".to_string();
    }
    if error.contains("coerce_one_of") {
        return "oneOf needs alternatives that exclude each other, by type or by a property's const; use anyOf".to_string();
    }
    error.split("\n<").next().unwrap_or_default().trim().to_string()
}

/// # Safety
/// As engine_text.h says; so for every function below.
#[no_mangle]
pub unsafe extern "C" fn engine_grammars_new(
    tokenizer: *const Tokenizer,
    vocab_size: u32,
    end_ids: *const u32,
    num_end_ids: usize,
    out: *mut *const Grammars,
    error: *mut Buffer,
) -> i32 {
    store(|| Grammars::new(&*tokenizer, vocab_size, ids(end_ids, num_end_ids)).map(Arc::into_raw), out, error)
}

#[no_mangle]
pub unsafe extern "C" fn engine_grammars_free(grammars: *const Grammars) {
    if !grammars.is_null() {
        drop(Arc::from_raw(grammars));
    }
}

#[no_mangle]
pub unsafe extern "C" fn engine_grammar_compile(
    grammars: *const Grammars,
    kind: i32,
    data: *const u8,
    size: usize,
    before: *const u8,
    before_size: usize,
    limit_ms: u32,
    out: *mut *mut Compiled,
    error: *mut Buffer,
) -> i32 {
    let compile = || {
        Arc::increment_strong_count(grammars);
        let limit = Duration::from_millis(limit_ms.into());
        let compiled = Arc::from_raw(grammars).compile(kind, text(data, size)?, text(before, before_size)?, limit);
        compiled.map(|compiled| Box::into_raw(Box::new(compiled)))
    };
    store(compile, out, error)
}

#[no_mangle]
pub unsafe extern "C" fn engine_compiled_grammar_free(compiled: *mut Compiled) {
    if !compiled.is_null() {
        drop(Box::from_raw(compiled));
    }
}

#[no_mangle]
pub unsafe extern "C" fn engine_grammar_new(compiled: *const Compiled, out: *mut *mut Answer, error: *mut Buffer) -> i32 {
    store(|| Ok(Box::into_raw(Box::new((*compiled).answer()))), out, error)
}

#[no_mangle]
pub unsafe extern "C" fn engine_grammar_free(answer: *mut Answer) {
    if !answer.is_null() {
        drop(Box::from_raw(answer));
    }
}

#[no_mangle]
pub unsafe extern "C" fn engine_grammar_cancel(answer: *const Answer) {
    (*answer).cancellation.cancel();
}

#[no_mangle]
pub unsafe extern "C" fn engine_grammar_mask(
    answer: *mut Answer,
    mask: *mut u32,
    words: usize,
    may_end: *mut i32,
    error: *mut Buffer,
) -> i32 {
    store(|| (*answer).grammar.mask(std::slice::from_raw_parts_mut(mask, words)), may_end, error)
}

#[no_mangle]
pub unsafe extern "C" fn engine_grammar_advance(
    answer: *mut Answer,
    tokens: *const u32,
    count: usize,
    num_accepted: *mut usize,
    error: *mut Buffer,
) -> i32 {
    store(|| (*answer).grammar.advance(ids(tokens, count)), num_accepted, error)
}

#[no_mangle]
pub unsafe extern "C" fn engine_grammar_rollback(answer: *mut Answer, count: usize, error: *mut Buffer) -> i32 {
    store(|| (*answer).grammar.rollback(count), &mut (), error)
}

#[no_mangle]
pub unsafe extern "C" fn engine_grammar_forced(answer: *mut Answer, out: *mut Buffer, error: *mut Buffer) -> i32 {
    store(|| (*answer).grammar.forced().map(Buffer::from_vec), out, error)
}

unsafe fn ids<'a>(data: *const u32, count: usize) -> &'a [u32] {
    if count == 0 { &[] } else { std::slice::from_raw_parts(data, count) }
}
