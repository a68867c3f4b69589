//! Where a service answers: its URL and the region that its requests are signed for.

use std::collections::BTreeMap;

/// A service that Sutler asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Elastic Compute Cloud: instance types, subnets.
    Ec2,
    /// Elastic Kubernetes Service.
    Eks,
    /// Identity and Access Management.
    Iam,
    /// Key Management Service.
    Kms,
    /// Simple Storage Service.
    S3,
    /// Service Quotas.
    ServiceQuotas,
    /// Security Token Service.
    Sts,
}

impl Service {
    /// The name in signatures, in error messages (`sts:GetCallerIdentity`) and in host names.
    pub const fn name(self) -> &'static str {
        match self {
            Service::Ec2 => "ec2",
            Service::Eks => "eks",
            Service::Iam => "iam",
            Service::Kms => "kms",
            Service::S3 => "s3",
            Service::ServiceQuotas => "servicequotas",
            Service::Sts => "sts",
        }
    }

    /// The variable that moves this service alone, as all AWS SDKs read it.
    const fn variable(self) -> &'static str {
        match self {
            Service::Ec2 => "AWS_ENDPOINT_URL_EC2",
            Service::Eks => "AWS_ENDPOINT_URL_EKS",
            Service::Iam => "AWS_ENDPOINT_URL_IAM",
            Service::Kms => "AWS_ENDPOINT_URL_KMS",
            Service::S3 => "AWS_ENDPOINT_URL_S3",
            Service::ServiceQuotas => "AWS_ENDPOINT_URL_SERVICE_QUOTAS",
            Service::Sts => "AWS_ENDPOINT_URL_STS",
        }
    }
}

/// The partition of a region: the second part of an ARN. Regions that no rule knows belong to `aws`.
pub fn partition(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "aws-cn",
        Some("eusc") => "aws-eusc",
        Some("us") if region.starts_with("us-gov-") => "aws-us-gov",
        Some("us") if region.starts_with("us-iso-") => "aws-iso",
        Some("us") if region.starts_with("us-isob-") => "aws-iso-b",
        Some("us") if region.starts_with("us-isof-") => "aws-iso-f",
        _ => "aws",
    }
}

/// The domain that a partition's host names end in.
fn domain(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "amazonaws.com.cn",
        "aws-eusc" => "amazonaws.eu",
        "aws-iso" => "c2s.ic.gov",
        "aws-iso-b" => "sc2s.sgov.gov",
        "aws-iso-f" => "csp.hci.ic.gov",
        _ => "amazonaws.com",
    }
}

/// Where services were moved to, as the environment says by `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    all: Option<String>,
    one: BTreeMap<Service, String>,
}

impl Endpoints {
    /// Reads the variables through `variable`. `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true` leaves them unread, as in the SDKs.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Endpoints {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        if set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Endpoints::default();
        }
        let services =
            [Service::Ec2, Service::Eks, Service::Iam, Service::Kms, Service::S3, Service::ServiceQuotas, Service::Sts];
        Endpoints {
            all: set("AWS_ENDPOINT_URL"),
            one: services.into_iter().filter_map(|service| Some((service, set(service.variable())?))).collect(),
        }
    }

    /// All services at `url`.
    pub fn all_at(url: &str) -> Endpoints {
        Endpoints { all: Some(url.to_owned()), one: BTreeMap::new() }
    }

    /// The URL of a service in a region, without a slash at its end, and the region to sign for.
    ///
    /// IAM is one for each partition; the others are regional, STS too (the global one is the wrong one in a private network).
    pub fn of(&self, service: Service, region: &str) -> (String, String) {
        let partition = partition(region);
        let signed_for = match (service, partition) {
            (Service::Iam, "aws") => "us-east-1",
            (Service::Iam, "aws-cn") => "cn-north-1",
            (Service::Iam, "aws-us-gov") => "us-gov-west-1",
            _ => region,
        };
        let moved = self.one.get(&service).or(self.all.as_ref());
        let url = moved.map(|url| url.trim_end_matches('/').to_owned()).unwrap_or_else(|| {
            let domain = domain(partition);
            match (service, partition) {
                (Service::Iam, "aws") => format!("https://iam.{domain}"),
                (Service::Iam, "aws-cn") => format!("https://iam.cn-north-1.{domain}"),
                (Service::Iam, "aws-us-gov") => format!("https://iam.us-gov.{domain}"),
                _ => format!("https://{}.{region}.{domain}", service.name()),
            }
        });
        (url, signed_for.to_owned())
    }

    /// Whether a service was moved away from AWS.
    pub fn moved(&self, service: Service) -> bool {
        self.all.is_some() || self.one.contains_key(&service)
    }
}

#[cfg(test)]
mod tests {
    use super::{Endpoints, Service};

    fn url(service: Service, region: &str) -> String {
        let (url, signed_for) = Endpoints::default().of(service, region);
        format!("{url} {signed_for}")
    }

    #[test]
    fn each_service_has_its_host_in_each_partition() {
        let table = "\
https://sts.us-west-2.amazonaws.com us-west-2
https://iam.amazonaws.com us-east-1
https://iam.cn-north-1.amazonaws.com.cn cn-north-1
https://eks.cn-northwest-1.amazonaws.com.cn cn-northwest-1
https://iam.us-gov.amazonaws.com us-gov-west-1
https://servicequotas.eu-central-1.amazonaws.com eu-central-1";
        let ours = [
            url(Service::Sts, "us-west-2"),
            url(Service::Iam, "eu-west-1"),
            url(Service::Iam, "cn-northwest-1"),
            url(Service::Eks, "cn-northwest-1"),
            url(Service::Iam, "us-gov-east-1"),
            url(Service::ServiceQuotas, "eu-central-1"),
        ];
        assert_eq!(ours.join("\n"), table);
    }

    #[test]
    fn variables_move_one_service_or_all() {
        let endpoints = Endpoints::from_variables(|name| match name {
            "AWS_ENDPOINT_URL" => Some("http://127.0.0.1:5000/".into()),
            "AWS_ENDPOINT_URL_EKS" => Some("http://127.0.0.1:6000".into()),
            _ => None,
        });
        assert_eq!(endpoints.of(Service::Eks, "us-west-2").0, "http://127.0.0.1:6000");
        assert_eq!(endpoints.of(Service::Sts, "us-west-2").0, "http://127.0.0.1:5000");
        let ignored = Endpoints::from_variables(|name| match name {
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" => Some("true".into()),
            _ => Some("http://127.0.0.1:5000".into()),
        });
        assert_eq!(ignored, Endpoints::default());
    }
}
