//! The physical floor of a scan: each blob decompressed once, its SHA-256, the tar walked, and the gzip and zip containers
//! in it inflated, with the crates that imgscan uses. `benches/compare.sh` runs imgscan against it.
//!
//! usage: floor oci-archive:IMAGE.tar

use std::io::{self, Read};

use flate2::{Decompress, FlushDecompress, Status, read::MultiGzDecoder};
use imgscan::{
    image::{self, OpenOptions, Opened, compression},
    layer,
    target::Target,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // cargo bench passes `--bench`; without an image there is nothing to measure.
    let Some(target) = std::env::args().skip(1).find(|argument| !argument.starts_with("--")) else { return Ok(()) };
    let Opened::Images(images) = image::open(&target.parse::<Target>()?, &OpenOptions::default())? else {
        return Err("the floor wants an image whose blobs can be opened in any order".into());
    };
    let mut floor = Floor { file: Vec::new(), out: vec![0; 256 * 1024], unpacked: 0 };
    for (image, opener) in &images {
        for layer in &image.layers {
            let mut changeset = compression::decompress(opener.open(layer)?)?;
            layer::walk(&mut changeset, &layer::Limits::default(), &mut |_, content| floor.file(content), &mut |_| {})?;
        }
    }
    #[expect(clippy::print_stdout, reason = "what was inflated belongs to the figure")]
    {
        println!("{} bytes of nested containers inflated", floor.unpacked);
    }
    Ok(())
}

struct Floor {
    file: Vec<u8>,
    out: Vec<u8>,
    unpacked: u64,
}

impl Floor {
    fn file(&mut self, content: &mut dyn Read) -> io::Result<()> {
        self.file.clear();
        content.take(128 << 20).read_to_end(&mut self.file)?;
        if self.file.starts_with(&[0x1f, 0x8b]) {
            let mut reader = MultiGzDecoder::new(self.file.as_slice());
            while let Ok(count @ 1..) = reader.read(&mut self.out) {
                self.unpacked += count as u64;
            }
        } else if self.file.starts_with(b"PK\x03\x04") {
            self.zip();
        }
        Ok(())
    }

    /// Inflates member after member by their local headers.
    fn zip(&mut self) {
        let mut rest = self.file.as_slice();
        while let Some(at) = memchr::memmem::find(rest, b"PK\x03\x04") {
            let header = &rest[at..];
            let short = |offset: usize| header.get(offset..offset + 2).map_or(0, |b| usize::from(b[0]) | usize::from(b[1]) << 8);
            let Some(data) = header.get(30 + short(26) + short(28)..) else { return };
            rest = data;
            if short(8) != 8 {
                continue;
            }
            let mut inflate = Decompress::new(false);
            while let Ok(status) = inflate.decompress(rest, &mut self.out, FlushDecompress::None) {
                if status == Status::StreamEnd || status == Status::BufError {
                    break;
                }
                rest = &data[(inflate.total_in() as usize).min(data.len())..];
            }
            self.unpacked += inflate.total_out();
            rest = &data[(inflate.total_in() as usize).min(data.len())..];
        }
    }
}
