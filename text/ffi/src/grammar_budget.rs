//! The time that a grammar may take of the thread that asks it, which makes the tokens of every answer.

use llguidance::CancellationHandle;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// A call may take this on average: a hundred times what grammars of published schemas do.
const GRANT: Duration = Duration::from_millis(3);
/// What an answer's calls may take beyond that, so that one pause of the machine ends no answer.
const LIMIT: Duration = Duration::from_millis(1000);
/// Steps in which a call that does not end is looked for.
const WATCH_INTERVAL: Duration = Duration::from_millis(100);

pub const EXCEEDED: &str = "it takes more time than a token is granted; make it simpler, with less that is ambiguous";

/// One answer's calls: the one that runs began so many microseconds after `Watch::epoch`; 0: none runs.
struct Calls {
    began: AtomicU64,
    cancellation: CancellationHandle,
}

/// What an answer has taken. Cancels its grammar for good when that is too much, within a call as well.
pub struct Budget {
    calls: Arc<Calls>,
    excess: Duration,
    epoch: Instant,
}

impl Budget {
    pub fn spend<T>(&mut self, call: impl FnOnce() -> T) -> T {
        let began = self.epoch.elapsed();
        self.calls.began.store(began.as_micros() as u64 + 1, Ordering::Relaxed);
        let result = call();
        self.calls.began.store(0, Ordering::Relaxed);
        self.excess = (self.excess + (self.epoch.elapsed() - began)).saturating_sub(GRANT);
        if self.excess > LIMIT {
            self.calls.cancellation.cancel();
        }
        result
    }
}

/// Ends calls that do not end by themselves, from a thread that runs while there are budgets.
pub struct Watch {
    epoch: Instant,
    all: Mutex<Vec<Weak<Calls>>>, // empty: no thread runs
}

impl Watch {
    pub fn new() -> Arc<Watch> {
        Arc::new(Watch { epoch: Instant::now(), all: Mutex::new(Vec::new()) })
    }

    pub fn budget(self: &Arc<Self>, cancellation: CancellationHandle) -> Result<Budget, String> {
        let calls = Arc::new(Calls { began: AtomicU64::new(0), cancellation });
        let mut all = self.all.lock().map_err(|e| e.to_string())?;
        if all.is_empty() {
            let watch = Arc::clone(self);
            thread::Builder::new().spawn(move || watch.run()).map_err(|e| format!("no thread could be started: {e}"))?;
        }
        all.push(Arc::downgrade(&calls));
        Ok(Budget { calls, excess: Duration::ZERO, epoch: self.epoch })
    }

    fn run(&self) {
        loop {
            thread::sleep(WATCH_INTERVAL);
            let Ok(mut all) = self.all.lock() else { return };
            all.retain(|calls| calls.upgrade().is_some_and(|calls| self.check(&calls)));
            if all.is_empty() {
                return;
            }
        }
    }

    /// Whether it must be looked at again.
    fn check(&self, calls: &Calls) -> bool {
        let began = calls.began.load(Ordering::Relaxed);
        let now = self.epoch.elapsed().as_micros() as u64;
        if began != 0 && now > began + LIMIT.as_micros() as u64 {
            calls.cancellation.cancel();
        }
        !calls.cancellation.is_cancelled()
    }
}
