//! Inputs made from others in disorder, the same for the same seed.

/// What means something to one parser or another.
const WORDS: &[&[u8]] = &[
    b"\n",
    b"\r\n",
    b"\\\n",
    b"\r",
    b"\0",
    b" ",
    b"\t",
    b"#",
    b"=",
    b":",
    b"\"",
    b"'",
    b"[",
    b"]",
    b"{",
    b"}",
    b"(",
    b")",
    b"*",
    b"?",
    b"!",
    b"-",
    b"+",
    b"0",
    b"-1",
    b"99999999999999999999",
    b"%%\n",
    b"\xff",
    b"\xc3\xa9",
    b"# gokaku: ",
    b"../",
    b"/etc/",
    b"$",
    b"|",
    b"&&",
    b";",
    b"<<E",
];

/// Reproducible disorder.
pub struct Disorder(u64);

impl Disorder {
    /// Another one for every seed.
    pub fn new(seed: u64) -> Disorder {
        Disorder(0x9e37_79b9_7f4a_7c15 ^ seed.wrapping_mul(0xd134_2543_de82_ef95))
    }

    /// One of the inputs, changed in one to six places. `longest` is in bytes.
    pub fn input(&mut self, inputs: &[Vec<u8>], longest: usize) -> Vec<u8> {
        let mut input = inputs[self.below(inputs.len())].clone();
        for _ in 0..=self.below(6) {
            self.change(&mut input, inputs);
            input.truncate(longest);
        }
        input
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }

    /// A stretch of `len` bytes at most.
    fn stretch(&mut self, all: &[u8], len: usize) -> std::ops::Range<usize> {
        let start = self.below(all.len() + 1);
        start..(start + self.below(len) + 1).min(all.len())
    }

    /// Changes the input in one place.
    fn change(&mut self, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        match self.below(7) {
            0 => input.extend([u8::try_from(self.below(256)).unwrap()]),
            1 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
            2 => {
                let gone = self.stretch(input, 40);
                input.drain(gone);
            }
            3 | 4 => {
                let word = WORDS[self.below(WORDS.len())];
                input.splice(at..at, word.iter().copied());
            }
            5 => {
                let copied = self.stretch(input, 80);
                let copied = input[copied].to_vec();
                input.splice(at..at, copied);
            }
            _ => {
                let other = &seeds[self.below(seeds.len())];
                let taken = self.stretch(other, 80);
                input.splice(at..at, other[taken].iter().copied());
            }
        }
    }
}
