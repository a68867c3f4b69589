//! Elastic Compute Cloud: where instance types are offered, how much room subnets have, and what holds a network.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::call::{Call, CallError};
use crate::client::Aws;
use crate::endpoint::Service;
use crate::xml::{Node, child, find, items};

const VERSION: &str = "2016-11-15";

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// Its id.
    pub id: String,
    /// Its VPC.
    pub vpc_id: String,
    /// Its availability zone.
    pub zone: String,
    /// Its addresses.
    pub cidr: String,
    /// How many of them are free.
    pub free_addresses: u32,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// What holds a network: as long as it is there, the network cannot go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkHolder {
    /// Its id: `eni-…`, `sg-…`.
    pub id: String,
    /// An interface's description, a group's name.
    pub about: String,
    /// An interface's status: `available` where nothing uses it, `in-use`; `None` for a group.
    pub status: Option<String>,
}

impl Aws {
    /// The availability zones in which each of these instance types is offered (`ec2:DescribeInstanceTypeOfferings`). A type
    /// that the region does not have has no entry.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub async fn instance_type_zones(&self, types: &[&str]) -> Result<BTreeMap<String, BTreeSet<String>>, CallError> {
        let mut zones: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        // A filter takes 200 values.
        for types in types.chunks(200) {
            let names: Vec<String> = (1..=types.len()).map(|number| format!("Filter.1.Value.{number}")).collect();
            let mut parameters = vec![("LocationType", "availability-zone"), ("Filter.1.Name", "instance-type")];
            parameters.extend(names.iter().map(String::as_str).zip(types.iter().copied()));
            let operation = "DescribeInstanceTypeOfferings";
            let found = self.ec2(operation, "instance types", &parameters, "instanceTypeOfferingSet", |item| {
                Some((child(item, "instanceType")?.to_owned(), child(item, "location")?.to_owned()))
            });
            for (kind, zone) in found.await? {
                zones.entry(kind).or_default().insert(zone);
            }
        }
        Ok(zones)
    }

    /// The subnets of a VPC, with their free addresses (`ec2:DescribeSubnets`).
    ///
    /// # Errors
    /// If it cannot be asked.
    pub async fn subnets(&self, vpc_id: &str) -> Result<Vec<Subnet>, CallError> {
        let parameters = [("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", vpc_id)];
        self.ec2("DescribeSubnets", &format!("VPC {vpc_id}"), &parameters, "subnetSet", |item| {
            let tags = items(item, "tagSet", "item").into_iter();
            Some(Subnet {
                id: child(item, "subnetId")?.to_owned(),
                vpc_id: child(item, "vpcId")?.to_owned(),
                zone: child(item, "availabilityZone")?.to_owned(),
                cidr: child(item, "cidrBlock")?.to_owned(),
                free_addresses: child(item, "availableIpAddressCount")?.parse().ok()?,
                tags: tags
                    .filter_map(|tag| Some((child(tag, "key")?.to_owned(), child(tag, "value")?.to_owned())))
                    .collect(),
            })
        })
        .await
    }

    /// What keeps a VPC from being deleted, once its subnets' instances are gone: its network interfaces, and its security groups but
    /// the default one (`ec2:DescribeNetworkInterfaces`, `ec2:DescribeSecurityGroups`).
    ///
    /// # Errors
    /// If it cannot be asked.
    pub async fn network_holders(&self, vpc_id: &str) -> Result<Vec<NetworkHolder>, CallError> {
        let parameters = [("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", vpc_id)];
        let object = format!("VPC {vpc_id}");
        let text = |item: Node<'_, '_>, name: &str| child(item, name).unwrap_or_default().to_owned();
        let mut found = self
            .ec2("DescribeNetworkInterfaces", &object, &parameters, "networkInterfaceSet", |item| {
                Some(NetworkHolder {
                    id: child(item, "networkInterfaceId")?.to_owned(),
                    about: text(item, "description"),
                    status: Some(text(item, "status")),
                })
            })
            .await?;
        let groups = self.ec2("DescribeSecurityGroups", &object, &parameters, "securityGroupInfo", |item| {
            Some((text(item, "groupName"), child(item, "groupId")?.to_owned()))
        });
        let groups = groups.await?.into_iter().filter(|(name, _)| name != "default");
        found.extend(groups.map(|(name, id)| NetworkHolder { id, about: name, status: None }));
        Ok(found)
    }

    /// All items of an answer that comes in pages.
    async fn ec2<T>(
        &self,
        operation: &str,
        object: &str,
        parameters: &[(&str, &str)],
        list: &str,
        item: impl Fn(Node<'_, '_>) -> Option<T>,
    ) -> Result<Vec<T>, CallError> {
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut parameters = parameters.to_vec();
            if let Some(token) = &token {
                parameters.push(("NextToken", token));
            }
            let call = Call::query(Service::Ec2, VERSION, operation, object.to_owned(), &parameters);
            let (page, next) = self
                .read(call, |answer| {
                    let page = items(answer, list, "item").into_iter().map(&item).collect::<Option<Vec<T>>>()?;
                    Some((page, find(answer, "nextToken").filter(|token| !token.is_empty()).map(str::to_owned)))
                })
                .await?;
            all.extend(page);
            match next {
                Some(next) => token = Some(next),
                None => return Ok(all),
            }
        }
    }
}
