//! A small generator, and random command lines: texts for `--set`, and values that fit a chart's names but not its shapes.

/// A small generator, the same on every machine: SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % limit as u64).expect("it is below a usize")
    }

    pub(crate) fn pick<'p>(&mut self, from: &[&'p str]) -> &'p str {
        from[self.below(from.len())]
    }
}

/// A text that is nearly one for `--set`.
pub(crate) fn set_text(random: &mut Random) -> String {
    const PARTS: [&str; 27] = [
        "a", "b", "text", "nested", "list", "a.b", "nested.a", "=", "=", "=1", "=x", ".", ",", ",", "[0]", "[2]", "[",
        "]", "{", "}", "{x,1}", "null", "true", "0", "-3", "\\", " ",
    ];
    (0..1 + random.below(9)).map(|_| random.pick(&PARTS)).collect()
}

/// Values as YAML in flow style, with the names that the chart `family` uses.
pub(crate) fn values(random: &mut Random, depth: usize) -> String {
    const NAMES: [&str; 22] = [
        "global", "region", "nested", "a", "b", "c", "tags", "slow", "storage", "hot", "cold", "cache", "enabled",
        "extra", "keep", "store", "settings", "public", "port", "dropped", "backup", "imported",
    ];
    let entries = (0..random.below(5)).map(|_| {
        let value = match random.below(if depth > 4 { 4 } else { 9 }) {
            0 => "null".to_owned(),
            1 => random.pick(&["true", "false"]).to_owned(),
            2 => random.pick(&["1", "0.5", "text"]).to_owned(),
            3 => random.pick(&["[]", "[1, null]", "[{a: null}]"]).to_owned(),
            _ => values(random, depth + 1),
        };
        format!("{}: {value}", random.pick(&NAMES))
    });
    format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
}
