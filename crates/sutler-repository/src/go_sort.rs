//! Sorting as Go's `sort.Sort` does it, for the cases where the order of equal elements can be seen.
//!
//! Go's sort is not stable, but its result follows from its input alone: it is pattern-defeating quicksort with a fixed
//! source of "random" swaps. Indexes list charts whose versions differ only in metadata (`1.0.0+a`, `1.0.0+b`), and the first
//! of them is the one that Helm chooses.

/// Sorts as Go's `sort.Sort`: `less(a, b)` says whether `a` belongs before `b`.
pub(crate) fn sort<T>(items: &mut [T], mut less: impl FnMut(&T, &T) -> bool) {
    let length = items.len();
    let mut sorter = Sorter { items, less: &mut less };
    sorter.pattern_defeating(0, length, bits(length));
}

/// How many bits a number has.
fn bits(number: usize) -> u32 {
    usize::BITS - number.leading_zeros()
}

/// What a look at a few elements says of the order of the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hint {
    Unknown,
    Increasing,
    Decreasing,
}

/// Marsaglia's xorshift, as Go seeds it with the length.
struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 as usize
    }
}

struct Sorter<'a, T, L> {
    items: &'a mut [T],
    less: &'a mut L,
}

impl<T, L: FnMut(&T, &T) -> bool> Sorter<'_, T, L> {
    fn less(&mut self, a: usize, b: usize) -> bool {
        (self.less)(&self.items[a], &self.items[b])
    }

    fn insertion(&mut self, a: usize, b: usize) {
        for i in a + 1..b {
            let mut j = i;
            while j > a && self.less(j, j - 1) {
                self.items.swap(j, j - 1);
                j -= 1;
            }
        }
    }

    fn sift_down(&mut self, low: usize, high: usize, first: usize) {
        let mut root = low;
        loop {
            let mut child = 2 * root + 1;
            if child >= high {
                return;
            }
            if child + 1 < high && self.less(first + child, first + child + 1) {
                child += 1;
            }
            if !self.less(first + root, first + child) {
                return;
            }
            self.items.swap(first + root, first + child);
            root = child;
        }
    }

    fn heap(&mut self, a: usize, b: usize) {
        let length = b - a;
        for i in (0..=length.saturating_sub(1) / 2).rev() {
            self.sift_down(i, length, a);
        }
        for i in (0..length).rev() {
            self.items.swap(a, a + i);
            self.sift_down(0, i, a);
        }
    }

    fn pattern_defeating(&mut self, mut a: usize, mut b: usize, mut limit: u32) {
        let (mut was_balanced, mut was_partitioned) = (true, true);
        loop {
            let length = b - a;
            if length <= 12 {
                self.insertion(a, b);
                return;
            }
            if limit == 0 {
                self.heap(a, b);
                return;
            }
            if !was_balanced {
                self.break_patterns(a, b);
                limit -= 1;
            }
            let (mut pivot, mut hint) = self.choose_pivot(a, b);
            if hint == Hint::Decreasing {
                self.items[a..b].reverse();
                pivot = (b - 1) - (pivot - a);
                hint = Hint::Increasing;
            }
            if was_balanced && was_partitioned && hint == Hint::Increasing && self.partial_insertion(a, b) {
                return;
            }
            if a > 0 && !self.less(a - 1, pivot) {
                a = self.partition_equal(a, b, pivot);
                continue;
            }
            let (middle, already) = self.partition(a, b, pivot);
            was_partitioned = already;
            let (left, right) = (middle - a, b - middle);
            let balance = length / 8;
            if left < right {
                was_balanced = left >= balance;
                self.pattern_defeating(a, middle, limit);
                a = middle + 1;
            } else {
                was_balanced = right >= balance;
                self.pattern_defeating(middle + 1, b, limit);
                b = middle;
            }
        }
    }

    fn partition(&mut self, a: usize, b: usize, pivot: usize) -> (usize, bool) {
        self.items.swap(a, pivot);
        let (mut i, mut j) = (a + 1, b - 1);
        while i <= j && self.less(i, a) {
            i += 1;
        }
        while i <= j && !self.less(j, a) {
            j -= 1;
        }
        if i > j {
            self.items.swap(j, a);
            return (j, true);
        }
        self.items.swap(i, j);
        i += 1;
        j -= 1;
        loop {
            while i <= j && self.less(i, a) {
                i += 1;
            }
            while i <= j && !self.less(j, a) {
                j -= 1;
            }
            if i > j {
                break;
            }
            self.items.swap(i, j);
            i += 1;
            j -= 1;
        }
        self.items.swap(j, a);
        (j, false)
    }

    fn partition_equal(&mut self, a: usize, b: usize, pivot: usize) -> usize {
        self.items.swap(a, pivot);
        let (mut i, mut j) = (a + 1, b - 1);
        loop {
            while i <= j && !self.less(a, i) {
                i += 1;
            }
            while i <= j && self.less(a, j) {
                j -= 1;
            }
            if i > j {
                return i;
            }
            self.items.swap(i, j);
            i += 1;
            j -= 1;
        }
    }

    fn partial_insertion(&mut self, a: usize, b: usize) -> bool {
        let mut i = a + 1;
        for _ in 0..5 {
            while i < b && !self.less(i, i - 1) {
                i += 1;
            }
            if i == b {
                return true;
            }
            if b - a < 50 {
                return false;
            }
            self.items.swap(i, i - 1);
            if i - a >= 2 {
                for j in (1..i).rev() {
                    if !self.less(j, j - 1) {
                        break;
                    }
                    self.items.swap(j, j - 1);
                }
            }
            if b - i >= 2 {
                for j in i + 1..b {
                    if !self.less(j, j - 1) {
                        break;
                    }
                    self.items.swap(j, j - 1);
                }
            }
        }
        false
    }

    fn break_patterns(&mut self, a: usize, b: usize) {
        let length = b - a;
        if length < 8 {
            return;
        }
        let mut random = Xorshift(length as u64);
        let modulus = 1usize << bits(length);
        let index = a + (length / 4) * 2 - 1;
        for i in 0..3 {
            let mut other = random.next() & (modulus - 1);
            if other >= length {
                other -= length;
            }
            self.items.swap(index + i, a + other);
        }
    }

    fn choose_pivot(&mut self, a: usize, b: usize) -> (usize, Hint) {
        let length = b - a;
        let mut swaps = 0;
        let (mut i, mut j, mut k) = (a + length / 4, a + length / 4 * 2, a + length / 4 * 3);
        if length >= 8 {
            if length >= 50 {
                i = self.median(i - 1, i, i + 1, &mut swaps);
                j = self.median(j - 1, j, j + 1, &mut swaps);
                k = self.median(k - 1, k, k + 1, &mut swaps);
            }
            j = self.median(i, j, k, &mut swaps);
        }
        match swaps {
            0 => (j, Hint::Increasing),
            12 => (j, Hint::Decreasing),
            _ => (j, Hint::Unknown),
        }
    }

    fn median(&mut self, mut a: usize, mut b: usize, mut c: usize, swaps: &mut u32) -> usize {
        if self.less(b, a) {
            *swaps += 1;
            (a, b) = (b, a);
        }
        if self.less(c, b) {
            *swaps += 1;
            (b, c) = (c, b);
        }
        let _ = c;
        if self.less(b, a) {
            *swaps += 1;
            (_, b) = (b, a);
        }
        b
    }
}

#[cfg(test)]
mod tests {
    use super::sort;

    /// The positions that Go's `sort.Sort` leaves for keys `i*7919 % modulus`, of which many are equal.
    fn order(length: u32, modulus: u32) -> Vec<u32> {
        let mut items: Vec<(u32, u32)> = (0..length).map(|i| (i * 7919 % modulus, i)).collect();
        sort(&mut items, |a, b| a.0 < b.0);
        assert!(items.is_sorted_by_key(|item| item.0));
        items.into_iter().map(|item| item.1).collect()
    }

    #[test]
    fn equal_elements_come_as_go_leaves_them() {
        assert_eq!(order(12, 3), [0, 3, 6, 9, 2, 5, 8, 11, 1, 4, 7, 10]);
        // Sums of position times place, which Go 1.26 gave for the same lists.
        let sum = |length, modulus| {
            order(length, modulus).iter().zip(1u64..).map(|(position, place)| u64::from(*position) * place).sum::<u64>()
        };
        for (length, modulus, expected) in GO {
            assert_eq!(sum(*length, *modulus), *expected, "{length} {modulus}");
        }
    }

    const GO: &[(u32, u32, u64)] = &[
        (12, 3, 490),
        (13, 3, 586),
        (20, 5, 1990),
        (49, 7, 30100),
        (50, 7, 31024),
        (51, 50, 33375),
        (100, 9, 243912),
        (200, 11, 1985656),
        (333, 333, 9236532),
        (1000, 17, 249936394),
        (1000, 2, 250174262),
        (5000, 100, 31255766750),
        (777, 776, 117607068),
    ];
}
