//! Archives built byte by byte, and what is read from them.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::*;

/// A tar header as tar writes it, with the given type and size.
fn header(name: &str, kind: u8, size: usize) -> Vec<u8> {
    let mut header = vec![0; BLOCK];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    header[136..148].copy_from_slice(b"14400000000\0");
    header[148..156].copy_from_slice(b"        ");
    header[156] = kind;
    header[257..263].copy_from_slice(b"ustar\0");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

fn file(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = header(name, kind, content.len());
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

fn gzip(tar: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(tar).unwrap();
    encoder.finish().unwrap()
}

fn unpacked(entries: &[Vec<u8>]) -> Result<Vec<(String, String)>, String> {
    let mut tar = entries.concat();
    tar.resize(tar.len() + 2 * BLOCK, 0);
    unpack(&gzip(&tar))
        .map(|files| {
            files.into_iter().map(|file| (file.name, String::from_utf8_lossy(&file.data).into_owned())).collect()
        })
        .map_err(|error| error.to_string())
}

#[test]
fn files_lose_their_first_folder_and_byte_order_mark() {
    let files = unpacked(&[
        file("c/", b'5', b""),
        file("c/Chart.yaml", b'0', b"\xef\xbb\xbfname: c"),
        file("c/templates/./a.yaml", b'0', &[b'x'; 700]),
    ]);
    let expected =
        vec![("Chart.yaml".to_owned(), "name: c".to_owned()), ("templates/a.yaml".to_owned(), "x".repeat(700))];
    assert_eq!(files, Ok(expected));
}

#[test]
fn long_names_come_from_pax_and_gnu_headers() {
    let long = format!("c/{}", "n".repeat(200));
    let body = format!(" path={long}\n");
    let length = (body.len()..).find(|total| total.to_string().len() + body.len() == *total).unwrap();
    let pax = format!("{length}{body}");
    let files = unpacked(&[
        file("ignored", b'x', pax.as_bytes()),
        file("c/short", b'0', b"1"),
        file("././@LongLink", b'L', format!("{long}2\0").as_bytes()),
        file("c/short", b'0', b"2"),
    ]);
    let expected = vec![("n".repeat(200), "1".to_owned()), (format!("{}2", "n".repeat(200)), "2".to_owned())];
    assert_eq!(files, Ok(expected));
}

#[test]
fn paths_that_leave_the_chart_are_refused() {
    for (name, expected) in [
        ("c//etc/passwd", "chart illegally contains absolute paths"),
        ("/", "chart illegally contains content outside the base directory: \"/\""),
        ("top", "chart illegally contains content outside the base directory: \"top\""),
        ("c/../x", "chart illegally references parent directory"),
        ("c/a/../../x", "chart illegally references parent directory"),
        ("c\\..\\x", "chart illegally references parent directory"),
        ("c/d:/x", "chart contains illegally named files"),
        ("Chart.yaml/x", "chart yaml not in base directory"),
    ] {
        assert_eq!(unpacked(&[file(name, b'0', b"x")]), Err(expected.to_owned()), "{name}");
    }
}

#[test]
fn sizes_are_bounded() {
    let huge = header("c/huge", b'0', 6 * 1024 * 1024);
    assert_eq!(
        unpacked(&[huge]),
        Err("decompressed chart file \"c/huge\" is larger than the maximum file size 5242880".to_owned())
    );
    let larger = header("c/larger", b'0', 101 * 1024 * 1024);
    assert_eq!(unpacked(&[larger]), Err("decompressed chart is larger than the maximum size 104857600".to_owned()));
}

#[test]
fn damaged_archives_are_errors() {
    for (bytes, expected) in
        [(b"not gzip at all".as_slice(), "gzip: invalid header"), (b"short", "unexpected EOF"), (b"", "EOF")]
    {
        assert_eq!(unpack(bytes).unwrap_err().to_string(), expected);
    }
    assert_eq!(unpacked(&[]), Err("no files in chart archive".to_owned()));
    let mut damaged = file("c/Chart.yaml", b'0', b"name: c");
    damaged[0] = b'X';
    assert_eq!(unpacked(&[damaged]), Err("archive/tar: invalid tar header".to_owned()));
    // The second of the two blocks that end an archive may be missing, but what is there must be whole and empty.
    let ended =
        |end: &[u8]| unpack(&gzip(&[&file("c/a", b'0', b"x"), end].concat())).map(|_| ()).map_err(|e| e.to_string());
    assert_eq!(ended(&[0; BLOCK]), Ok(()));
    assert_eq!(ended(&[0; BLOCK + 1]), Err("unexpected EOF".to_owned()));
    assert_eq!(ended(&[[0; BLOCK], [1; BLOCK]].concat()), Err("archive/tar: invalid tar header".to_owned()));
    let whole = gzip(&file("c/Chart.yaml", b'0', &[b'x'; 4000]));
    for end in [3, 20, whole.len() / 2, whole.len() - 1] {
        assert!(unpack(&whole[..end]).is_err(), "cut at {end}");
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..2048), at in 0..512_usize) {
        // Random bytes hardly ever get past a header: they are also put into the middle of an archive that is right.
        let _ = unpack(&gzip(&bytes));
        let mut tar = [file("c/Chart.yaml", b'0', b"name: c"), file("c/a", b'x', b"9 path=x\n"), file("c/b", b'0', b"b")].concat();
        for (place, byte) in tar[at..].iter_mut().zip(&bytes) {
            *place ^= byte;
        }
        let _ = unpack(&gzip(&tar));
    }
}
