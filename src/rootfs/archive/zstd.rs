//! All frames of zstd data, one after another, each with its checksum.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// The widest window that is taken (bytes): what `zstd` itself takes without being asked.
const WINDOW: u64 = 128 << 20;

/// What comes out of compressed data.
pub(super) struct Zstd<R> {
    source: R,
    decoder: FrameDecoder,
    /// Whether a frame was begun whose end was not seen.
    inside: bool,
}

impl<R: BufRead> Zstd<R> {
    pub fn new(source: R) -> Zstd<R> {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW);
        Zstd { source, decoder, inside: false }
    }

    /// Begins the next frame; `false`: there is none.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            if self.source.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(&mut self.source) {
                Ok(()) => {
                    self.inside = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let skipped =
                        io::copy(&mut self.source.by_ref().take(length.into()), &mut io::sink())?;
                    if skipped < u64::from(length) {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(e) => return Err(self.failure(&e)),
            }
        }
    }

    /// Where the data has ended, that is what is wrong.
    fn failure(&mut self, e: &FrameDecoderError) -> io::Error {
        match self.source.fill_buf() {
            Err(e) => e,
            Ok([]) => io::ErrorKind::UnexpectedEof.into(),
            Ok(_) => io::Error::other(e.to_string()),
        }
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.inside {
                let read = self.decoder.read(buffer)?;
                if read > 0 || buffer.is_empty() {
                    return Ok(read);
                }
                if self.decoder.is_finished() {
                    let (found, want) = (
                        self.decoder.get_calculated_checksum(),
                        self.decoder.get_checksum_from_data(),
                    );
                    if want.is_some() && found != want {
                        return Err(io::ErrorKind::InvalidData.into());
                    }
                    self.inside = false;
                    continue;
                }
                let blocks = BlockDecodingStrategy::UptoBlocks(1);
                if let Err(e) = self.decoder.decode_blocks(&mut self.source, blocks) {
                    return Err(self.failure(&e));
                }
            } else if !self.begin()? {
                return Ok(0);
            }
        }
    }
}
