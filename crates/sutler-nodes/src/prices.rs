//! Prices: what a node costs an hour, and what a stack costs idle, now and at most.
//!
//! All of it is an **estimate**: AWS's public list prices for Linux on demand, as of [`crate::instances::FACTS_DATE`], without
//! discounts, traffic, disks, endpoints or load balancers. Other regions are us-east-1 times a factor of the family; a spot price is
//! [`SPOT_PERCENT`] of the list price, whatever the market does today.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Mul};

use serde::{Deserialize, Serialize};

use crate::instances::{InstanceType, UnknownInstanceType, lookup};
use crate::pool::{Capacity, Pool};

/// A typical spot price in per cent of the list price: AWS advertises up to 90 % off, and the general families of the table
/// have mostly been 30 to 45 % of list price in the regions below (2024 to 2026). A planning figure, not a quote.
pub const SPOT_PERCENT: u64 = 40;

/// What EKS asks for a cluster's control plane, in every region, while its Kubernetes version is in standard support.
pub const CONTROL_PLANE: Price = Price(100_000);

/// Dollars an hour, in millionths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Price(u64);

impl Price {
    /// A price of so many millionths of a dollar an hour.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Millionths of a dollar an hour.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }

    fn percent(self, percent: u64) -> Self {
        Self(self.0.saturating_mul(percent) / 100)
    }
}

impl Add for Price {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Mul<u32> for Price {
    type Output = Self;
    fn mul(self, count: u32) -> Self {
        Self(self.0.saturating_mul(u64::from(count)))
    }
}

impl Sum for Price {
    fn sum<I: Iterator<Item = Self>>(prices: I) -> Self {
        prices.fold(Self::default(), Add::add)
    }
}

/// `$3.41` from ten cents on; `$0.0052` below, where cents would say nothing; a third digit only where it is not zero.
impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, digits) = match self.0 {
            0..100_000 => (100, 4),
            100_000..1_000_000 => (1_000, 3),
            _ => (10_000, 2),
        };
        let rounded = (self.0 + unit / 2) / unit * unit;
        let mut text = format!("{}.{:06}", rounded / 1_000_000, rounded % 1_000_000);
        text.truncate(text.len() - (6 - digits));
        while digits > 2 && text.ends_with('0') && text.len() - text.find('.').unwrap_or(0) > 3 {
            text.pop();
        }
        write!(f, "${text}")
    }
}

/// Factors over us-east-1, in thousandths, by the family's beginning; the longest match counts. From the list prices of
/// 2026-07: us-west-2 asks what us-east-1 asks.
const REGIONS: &[(&str, &[(&str, u64)])] = &[
    ("us-east-1", &[("", 1000)]),
    ("us-east-2", &[("", 1000)]),
    ("us-west-2", &[("", 1000)]),
    (
        "eu-west-1",
        &[
            ("", 1115),
            ("c", 1130),
            ("c6", 1073),
            ("c7", 1073),
            ("c8", 1073),
            ("g", 1116),
            ("i", 1102),
            ("p", 1080),
            ("r", 1119),
            ("t", 1096),
        ],
    ),
    ("eu-central-1", &[("", 1198), ("c", 1141), ("g", 1251), ("i", 1192), ("p", 1249), ("r", 1206), ("t", 1154)]),
];

/// What a NAT gateway costs an hour, beside the traffic through it: the same in all regions of the table but these.
const NAT_GATEWAY: u64 = 45_000;
const NAT_GATEWAYS: &[(&str, u64)] = &[("eu-west-1", 48_000), ("eu-central-1", 52_000)];

/// What so many NAT gateways cost an hour, traffic apart; `None` in a region without prices here.
#[must_use]
pub fn nat_gateways(count: u32, region: &str) -> Option<Price> {
    regions().find(|name| *name == region)?;
    let own = NAT_GATEWAYS.iter().find(|(name, _)| *name == region).map(|(_, price)| *price);
    Some(Price(own.unwrap_or(NAT_GATEWAY)) * count)
}

/// The regions for which prices are known.
pub fn regions() -> impl Iterator<Item = &'static str> {
    REGIONS.iter().map(|(region, _)| *region)
}

/// A node's price an hour; `None` in a region without prices here.
#[must_use]
pub fn node_price(instance: &InstanceType, capacity: Capacity, region: &str) -> Option<Price> {
    let (_, families) = REGIONS.iter().find(|(name, _)| *name == region)?;
    let (_, thousandths) = families
        .iter()
        .filter(|(family, _)| instance.family().starts_with(family))
        .max_by_key(|(family, _)| family.len())?;
    let on_demand = Price(instance.price.0 * thousandths / 1000);
    Some(match capacity {
        Capacity::OnDemand => on_demand,
        Capacity::Spot => on_demand.percent(SPOT_PERCENT),
    })
}

/// What a cluster costs an hour, with what stands there whatever runs: control plane and NAT gateways.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bill {
    /// With each pool at its minimum.
    pub idle: Price,
    /// With the nodes there are.
    pub now: Price,
    /// With each pool at its maximum, on its dearest type.
    pub at_most: Price,
}

/// A node that runs, as far as the bill needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunningNode<'a> {
    /// Its instance type.
    pub instance_type: &'a str,
    /// How it is paid.
    pub capacity: Capacity,
}

/// The bill of a cluster with these pools and nodes, and `standing` besides; `None` in a region without prices here.
///
/// The idle figure takes a pool's first type, which is the one an Auto Scaling group tries first.
///
/// # Errors
/// A pool or node has an instance type that is not known.
pub fn bill(
    pools: &[Pool],
    nodes: &[RunningNode<'_>],
    standing: Price,
    region: &str,
) -> Result<Option<Bill>, UnknownInstanceType> {
    let mut bill = Bill { idle: standing, now: standing, at_most: standing };
    for pool in pools {
        let mut first = None;
        let mut dearest = Price::default();
        for name in &pool.instance_types {
            let Some(price) = node_price(lookup(name)?, pool.capacity, region) else { return Ok(None) };
            first.get_or_insert(price);
            dearest = dearest.max(price);
        }
        bill.idle = bill.idle + first.unwrap_or_default() * pool.min;
        bill.at_most = bill.at_most + dearest * pool.max;
    }
    for node in nodes {
        let Some(price) = node_price(lookup(node.instance_type)?, node.capacity, region) else { return Ok(None) };
        bill.now = bill.now + price;
    }
    Ok(Some(bill))
}

/// What each pool's running nodes cost an hour, given how many of which type run; pools without nodes are left out.
#[must_use]
pub fn price_by_pool<'a>(
    nodes: impl IntoIterator<Item = (&'a str, RunningNode<'a>)>,
    region: &str,
) -> BTreeMap<&'a str, Price> {
    let mut prices = BTreeMap::new();
    for (pool, node) in nodes {
        let price = lookup(node.instance_type).ok().and_then(|facts| node_price(facts, node.capacity, region));
        let entry: &mut Price = prices.entry(pool).or_default();
        *entry = *entry + price.unwrap_or_default();
    }
    prices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_read_as_money() {
        let cases = [
            (5_200, "$0.0052"),
            (96_000, "$0.096"),
            (768_000, "$0.768"),
            (480_000, "$0.48"),
            (3_412_345, "$3.41"),
            (0, "$0.00"),
            (14_896_000, "$14.90"),
            (999_999, "$1.00"),
        ];
        for (micros, text) in cases {
            assert_eq!(Price(micros).to_string(), text);
        }
    }

    #[test]
    fn a_region_and_spot_change_the_price() {
        let m6i = lookup("m6i.xlarge").unwrap();
        let of = |capacity, region| node_price(m6i, capacity, region).map(|price| price.to_string());
        assert_eq!(of(Capacity::OnDemand, "us-west-2").as_deref(), Some("$0.192"));
        assert_eq!(of(Capacity::OnDemand, "eu-west-1").as_deref(), Some("$0.214"));
        assert_eq!(of(Capacity::Spot, "us-west-2").as_deref(), Some("$0.0768"));
        assert_eq!(of(Capacity::OnDemand, "mars-north-1"), None);
    }

    #[test]
    fn gateways_cost_in_every_region_of_the_table() {
        let of = |count, region| nat_gateways(count, region).map(|price| price.to_string());
        assert_eq!(of(1, "us-west-2").as_deref(), Some("$0.045"));
        assert_eq!(of(3, "eu-central-1").as_deref(), Some("$0.156"));
        assert_eq!(of(1, "mars-north-1"), None);
        assert!(regions().all(|region| nat_gateways(1, region).is_some()));
    }

    #[test]
    fn a_bill_counts_minimum_nodes_now_and_maximum() {
        let pools = [
            Pool { name: "core".into(), instance_types: vec!["m6i.xlarge".into()], min: 2, max: 3, ..Pool::default() },
            Pool {
                name: "ray".into(),
                instance_types: vec!["m6i.4xlarge".into(), "m6a.4xlarge".into()],
                max: 8,
                capacity: Capacity::Spot,
                ..Pool::default()
            },
        ];
        let node = |instance_type, capacity| RunningNode { instance_type, capacity };
        let nodes = [node("m6i.xlarge", Capacity::OnDemand), node("m6a.4xlarge", Capacity::Spot)];
        let bill = bill(&pools, &nodes, CONTROL_PLANE, "us-west-2").unwrap().unwrap();
        assert_eq!(bill.idle.micros(), 100_000 + 2 * 192_000);
        assert_eq!(bill.now.micros(), 100_000 + 192_000 + 691_200 * 4 / 10);
        assert_eq!(bill.at_most.micros(), 100_000 + 3 * 192_000 + 8 * 307_200);
    }
}
