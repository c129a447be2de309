//! Made-up input: the same for the same seed.

/// A generator of numbers (SplitMix64): good enough to pick from lists, and never changes.
pub struct Dice {
    state: u64,
}

impl Dice {
    /// Seeded from `GOKAKU_TEST_SEED`, or as always.
    pub fn new(test: &str) -> Dice {
        let given = std::env::var("GOKAKU_TEST_SEED").ok();
        let seed = given.map_or(1804, |s| s.parse().expect("GOKAKU_TEST_SEED: want a number"));
        println!("{test}: seed {seed}; GOKAKU_TEST_SEED and GOKAKU_TEST_ROUNDS choose others");
        Dice { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below a usize")
    }

    /// True once in `of` times.
    pub fn once_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Up to `most` of what `make` makes.
    pub fn some<T>(&mut self, most: usize, mut make: impl FnMut(&mut Dice) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| make(self)).collect()
    }
}

/// How many rounds: `usual`, or as many as `GOKAKU_TEST_ROUNDS` says.
pub fn rounds(usual: usize) -> usize {
    let given = std::env::var("GOKAKU_TEST_ROUNDS").ok();
    given.map_or(usual, |n| n.parse().expect("GOKAKU_TEST_ROUNDS: want a number"))
}
