//! Redeeming many codes with one request.

use std::collections::BTreeMap;

use redeemd_domain::codes::CodeKey;
use redeemd_domain::refusal::Refusal;

use super::caller::Caller;
use super::error::Error;
use super::redeeming::{Redeemed, Redemption};
use super::worker::Worker;

/// A redemption whose text means a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Item {
    /// Where it stands in the batch.
    place: usize,
    code: CodeKey,
    has_key: bool,
}

impl Worker {
    /// Redeems codes independently of each other, each shard asked with one message. The answers are
    /// in the order of the redemptions, and of several redemptions of one code the first comes first.
    pub async fn redeem_all(
        &self,
        caller: Caller,
        redemptions: &[Redemption<'_>],
    ) -> Vec<Result<Redeemed, Error>> {
        let codes = {
            let view = self.view();
            self.codes_of(&view, redemptions.iter().map(|redemption| redemption.code)).await
        };
        let mut answers = Vec::with_capacity(redemptions.len());
        let mut items = Vec::with_capacity(redemptions.len());
        for (place, (redemption, code)) in redemptions.iter().zip(codes).enumerate() {
            let has_key = redemption.key.is_some();
            answers.push(Err(match code {
                Ok(Some(code)) => {
                    items.push(Item { place, code, has_key });
                    Error::Overloaded
                }
                Ok(None) => Error::Refused(Refusal::InvalidCode),
                Err(error) => error,
            }));
        }
        for wave in waves(items) {
            let commands = wave.iter().filter_map(|item| {
                let redemption = redemptions.get(item.place)?;
                Some((item.code, redemption.command(caller, item.code)))
            });
            let performed = self.perform_all(commands.collect()).await;
            let view = self.view();
            for (item, performed) in wave.iter().zip(performed) {
                if let Some(answer) = answers.get_mut(item.place) {
                    *answer =
                        performed.and_then(|performed| Redeemed::of_performed(performed, &view));
                }
            }
        }
        answers
    }
}

/// Parts a batch into waves that are sent one after the other. Nearly always it is one.
///
/// A redemption with an idempotency key may come back to be searched for in the ledger, and one
/// without never does. So where both want the same code, the one without a key waits until the ones
/// before it are settled; otherwise it would be judged before them.
fn waves(items: Vec<Item>) -> Vec<Vec<Item>> {
    let keys = items.iter().filter(|item| item.has_key).count();
    if keys == 0 || keys == items.len() {
        return vec![items];
    }
    let mut waves: Vec<Vec<Item>> = Vec::new();
    let mut last_of_code = BTreeMap::new();
    for item in items {
        let wave = match last_of_code.get(&item.code) {
            Some((wave, true)) if !item.has_key => wave + 1,
            Some((wave, _)) => *wave,
            None => 0,
        };
        last_of_code.insert(item.code, (wave, item.has_key));
        // A wave is only ever one more than one that is there.
        match waves.get_mut(wave) {
            Some(wave) => wave.push(item),
            None => waves.push(vec![item]),
        }
    }
    waves
}

#[cfg(test)]
mod tests {
    use redeemd_domain::codes::{CampaignNumber, Serial};

    use super::*;

    /// Items by the serials of their codes, with a key where it is negative.
    fn items(serials: &[i64]) -> Vec<Item> {
        let item = |(place, &serial): (usize, &i64)| {
            let campaign = CampaignNumber(1);
            let code =
                CodeKey::Sealed { campaign, serial: Serial::new(serial.unsigned_abs()).unwrap() };
            Item { place, code, has_key: serial < 0 }
        };
        serials.iter().enumerate().map(item).collect()
    }

    fn places(serials: &[i64]) -> Vec<Vec<usize>> {
        let places = |wave: Vec<Item>| wave.into_iter().map(|item| item.place).collect();
        waves(items(serials)).into_iter().map(places).collect()
    }

    #[test]
    fn a_batch_is_one_wave_unless_keys_are_mixed_for_one_code() {
        assert_eq!(places(&[1, 2, 1, 3]), [[0, 1, 2, 3]]);
        assert_eq!(places(&[-1, -2, -1, -3]), [[0, 1, 2, 3]]);
        assert_eq!(places(&[-1, 2, -1, 3]), [[0, 1, 2, 3]], "other codes are no matter");
        assert_eq!(places(&[1, -1, 2]), [[0, 1, 2]], "one without a key is not overtaken");
    }

    #[test]
    fn who_has_no_key_waits_for_those_before() {
        assert_eq!(places(&[-1, 1, 2]), [vec![0, 2], vec![1]]);
        assert_eq!(places(&[-1, 1, -1, 1, 2]), [vec![0, 4], vec![1, 2], vec![3]]);
    }
}
