//! The time that a grammar may take of the thread that asks it, which makes the tokens of every answer.

use llguidance::CancellationHandle;
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

/// A token may take this on average: tens of times what those of published schemas do.
const GRANT: Duration = Duration::from_millis(3);
/// What an answer's tokens may take beyond that, all together.
const LIMIT: Duration = Duration::from_millis(1000);
/// Steps in which a call that does not end is looked for.
const WATCH_INTERVAL: Duration = Duration::from_millis(100);

pub const EXCEEDED: &str = "it takes more time than a token is granted; make it simpler, with less that is ambiguous";

/// Of the processor time of one thread, which stands still while the process or the machine does.
#[derive(Clone, Copy)]
struct Clock(libc::clockid_t);

impl Clock {
    fn of_this_thread() -> Clock {
        let mut id = libc::CLOCK_THREAD_CPUTIME_ID;
        // SAFETY: writes to `id`; leaves it, which means the same to this thread, where it fails.
        unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &mut id) };
        Clock(id)
    }

    /// Zero of a thread that has ended.
    fn now(self) -> Duration {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: writes to `time`; leaves it where there is no such clock.
        unsafe { libc::clock_gettime(self.0, &mut time) };
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }
}

/// One answer's calls: what the one that runs is timed by, and when it began; none: none runs.
struct Calls {
    running: Mutex<Option<(Clock, Duration)>>,
    cancellation: CancellationHandle,
}

impl Calls {
    fn set_running(&self, call: Option<(Clock, Duration)>) {
        if let Ok(mut running) = self.running.lock() {
            *running = call;
        }
    }
}

/// What an answer has taken. Cancels its grammar for good when that is too much, within a call as well.
pub struct Budget {
    calls: Arc<Calls>,
    excess: Duration,
    granted_tokens: usize,
}

impl Budget {
    pub fn spend<T>(&mut self, call: impl FnOnce() -> T) -> T {
        let clock = Clock::of_this_thread();
        let began = clock.now();
        self.calls.set_running(Some((clock, began)));
        let result = call();
        self.calls.set_running(None);
        self.excess += clock.now().saturating_sub(began);
        if self.excess > LIMIT {
            self.calls.cancellation.cancel();
        }
        result
    }

    /// The answer has this many tokens. Where it has been before, as drafts go there and back, nothing is granted again.
    pub fn grant(&mut self, tokens: usize) {
        let more = tokens.saturating_sub(self.granted_tokens);
        self.excess = self.excess.saturating_sub(GRANT.saturating_mul(more as u32));
        self.granted_tokens += more;
    }
}

/// Ends calls that do not end by themselves, from a thread that runs while there are budgets.
pub struct Watch {
    all: Mutex<Vec<Weak<Calls>>>, // empty: no thread runs
}

impl Watch {
    pub fn new() -> Arc<Watch> {
        Arc::new(Watch { all: Mutex::new(Vec::new()) })
    }

    pub fn budget(self: &Arc<Self>, cancellation: CancellationHandle) -> Result<Budget, String> {
        let calls = Arc::new(Calls { running: Mutex::new(None), cancellation });
        let mut all = self.all.lock().map_err(|e| e.to_string())?;
        if all.is_empty() {
            let watch = Arc::clone(self);
            thread::Builder::new().spawn(move || watch.run()).map_err(|e| format!("no thread could be started: {e}"))?;
        }
        all.push(Arc::downgrade(&calls));
        Ok(Budget { calls, excess: Duration::ZERO, granted_tokens: 0 })
    }

    fn run(&self) {
        loop {
            thread::sleep(WATCH_INTERVAL);
            let Ok(mut all) = self.all.lock() else { return };
            all.retain(|calls| calls.upgrade().is_some_and(|calls| Self::check(&calls)));
            if all.is_empty() {
                return;
            }
        }
    }

    /// Whether it must be looked at again.
    fn check(calls: &Calls) -> bool {
        let running = calls.running.lock().map_or(None, |running| *running);
        if running.is_some_and(|(clock, began)| clock.now() > began + LIMIT) {
            calls.cancellation.cancel();
        }
        !calls.cancellation.is_cancelled()
    }
}
