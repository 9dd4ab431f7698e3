//! Codes for a load: handed out in order, each once. More can be added while it lasts, so that
//! millions need not be kept.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Codes that wait to be used.
#[derive(Debug, Default)]
pub struct Supply {
    stock: Mutex<Stock>,
    /// Something was added, used up or ended.
    changed: Condvar,
}

#[derive(Default)]
struct Stock {
    /// What is handed out, a code on each line.
    text: Vec<u8>,
    /// How much of it was.
    place: usize,
    /// What comes after that.
    waiting: VecDeque<Vec<u8>>,
    /// Nothing more will be added.
    is_complete: bool,
    /// Nobody wants any more.
    is_closed: bool,
}

impl Supply {
    /// Nothing yet; more is to be added.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds codes, one on each line.
    pub fn add(&self, lines: Vec<u8>) {
        self.stock().waiting.push_back(lines);
        self.changed.notify_all();
    }

    /// Nothing more will be added: whoever asks for more than there is gets none.
    pub fn complete(&self) {
        self.stock().is_complete = true;
        self.changed.notify_all();
    }

    /// Nobody wants any more.
    pub fn close(&self) {
        self.stock().is_closed = true;
        self.changed.notify_all();
    }

    /// Waits until fewer than so many batches wait to be used. `false` once nobody wants any more.
    pub fn wait_for_room(&self, batches: usize) -> bool {
        let mut stock = self.stock();
        while stock.waiting.len() >= batches && !stock.is_closed {
            stock = self.changed.wait(stock).unwrap_or_else(PoisonError::into_inner);
        }
        !stock.is_closed
    }

    /// How many bytes of codes there are still.
    pub fn left_bytes(&self) -> usize {
        let stock = self.stock();
        let waiting: usize = stock.waiting.iter().map(Vec::len).sum();
        stock.text.len() - stock.place + waiting
    }

    /// Visits the next codes and takes them out, at most so many; fewer only where there are no more.
    /// Gives how many. Where more are to come, this waits for them.
    pub fn take(&self, count: usize, mut visit: impl FnMut(&[u8])) -> usize {
        let mut stock = self.stock();
        for taken in 0..count {
            stock = self.refilled(stock);
            let Some(code) = stock.next() else { return taken };
            visit(code);
            stock.place += code.len();
            stock.pass_end();
        }
        count
    }

    /// Shows the next code and leaves it there. `false` where there is none.
    pub fn look(&self, visit: impl FnOnce(&[u8])) -> bool {
        let stock = self.refilled(self.stock());
        stock.next().map(visit).is_some()
    }

    /// Goes on with what waits where all of the text was handed out.
    fn refilled<'a>(&'a self, mut stock: MutexGuard<'a, Stock>) -> MutexGuard<'a, Stock> {
        while stock.place >= stock.text.len() {
            match stock.waiting.pop_front() {
                Some(text) => {
                    stock.text = text;
                    stock.place = 0;
                    stock.pass_end();
                    self.changed.notify_all();
                }
                None if stock.is_complete || stock.is_closed => break,
                None => stock = self.changed.wait(stock).unwrap_or_else(PoisonError::into_inner),
            }
        }
        stock
    }

    fn stock(&self) -> MutexGuard<'_, Stock> {
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stock {
    fn rest(&self) -> &[u8] {
        self.text.get(self.place..).unwrap_or_default()
    }

    fn next(&self) -> Option<&[u8]> {
        let rest = self.rest();
        let end = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        let (code, _) = rest.split_at(end);
        let code = code.strip_suffix(b"\r").unwrap_or(code);
        (!code.is_empty()).then_some(code)
    }

    /// Passes over the ends of lines, and over lines with nothing on them.
    fn pass_end(&mut self) {
        let ends = self.rest().iter().take_while(|&&byte| matches!(byte, b'\n' | b'\r')).count();
        self.place += ends;
    }
}

/// Codes are worth money; how many there are is all that may be seen.
impl std::fmt::Debug for Stock {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Stock")
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    fn take(supply: &Supply, count: usize) -> Vec<String> {
        let mut codes = Vec::new();
        let taken =
            supply.take(count, |code| codes.push(String::from_utf8(code.to_vec()).unwrap()));
        assert_eq!(taken, codes.len());
        codes
    }

    #[test]
    fn every_code_is_handed_out_once() {
        let supply = Supply::new();
        supply.add(b"\nA\r\n\r\nB\nC".to_vec());
        supply.add(Vec::new());
        supply.add(b"\n\nD\n".to_vec());
        supply.complete();
        let mut seen = Vec::new();
        assert!(supply.look(|code| seen.extend_from_slice(code)));
        assert_eq!(seen, b"A");
        assert_eq!(take(&supply, 2), ["A", "B"]);
        assert_eq!(take(&supply, 9), ["C", "D"]);
        assert!(take(&supply, 1).is_empty() && !supply.look(|_| {}));
        assert_eq!(supply.left_bytes(), 0);
    }

    #[test]
    fn who_comes_too_early_waits() {
        let supply = Arc::new(Supply::new());
        let taker = thread::spawn({
            let supply = Arc::clone(&supply);
            move || take(&supply, 2)
        });
        supply.add(b"A\n".to_vec());
        assert!(supply.wait_for_room(2));
        supply.add(b"B\n".to_vec());
        assert_eq!(taker.join().unwrap(), ["A", "B"]);
        supply.close();
        assert!(!supply.wait_for_room(1));
        assert!(take(&supply, 1).is_empty());
    }
}
