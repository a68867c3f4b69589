//! Installing a release.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sutler_objects::object;

use crate::apply::{self, Method, Written};
use crate::cluster::{ApiError, ApplyOptions};
use crate::error::Error;
use crate::event::{Change, Event, Events};
use crate::object::{ObjectRef, parse_manifest};
use crate::operation::{Operation, Standing, check, in_full};
use crate::record::{ApplyMethod, HookEvent, Info, Release, Status};
use crate::render;
use crate::request::{Content, InstallRequest, Options, UninstallRequest, WaitFor};
use crate::waiting::{Goal, wait};
use crate::{Releases, store};
use sutler_chart::ReleaseInfo;

/// How long discovery may take to show a kind that is established.
const DISCOVERY_TIMEOUT: SignedDuration = SignedDuration::from_secs(10);
/// How long a CustomResourceDefinition may take until the API serves it (Helm's limit).
const CRD_TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

impl Releases {
    /// Installs a release: CustomResourceDefinitions first, then (in a pending record, under a lease) hooks and objects;
    /// waits as asked, and records how it went.
    ///
    /// An install that was interrupted is finished: its record is marked as failed, and what it had written is adopted.
    ///
    /// # Errors
    /// [`Error::NameInUse`] if there is a release of that name; everything that can go wrong on the way. Once the record
    /// is stored, a failure is recorded in it.
    pub async fn install(&self, request: &InstallRequest, events: Events<'_>) -> Result<Release, Error> {
        check(&request.name, &request.options)?;
        let _at_work = self.begin_work(&request.namespace, &request.name)?;
        self.install_at_work(request, events).await
    }

    pub(crate) async fn install_at_work(&self, request: &InstallRequest, events: Events<'_>) -> Result<Release, Error> {
        let InstallRequest { name, namespace, options, .. } = request;
        let mut standing = self.standing(namespace, name, options.recover, events).await?;
        standing.check_base(name, options.base)?;
        if let Some(last) = standing.last()
            && last.info.status == Status::Uninstalling
        {
            self.may_begin(last, options.recover)?;
            let uninstall = UninstallRequest { recover: options.recover, ..UninstallRequest::new(namespace, name) };
            self.uninstall_at_work(&uninstall, events).await?;
            standing = Standing { history: Vec::new(), recovered: true };
        }
        if let Some(last) = standing.last() {
            let status = last.info.status;
            let is_free = matches!(status, Status::Uninstalled | Status::Failed);
            if !(is_free && (request.replace || standing.recovered)) {
                return Err(Error::NameInUse { name: name.clone(), revision: last.version, status });
            }
        }
        let cluster = &self.cluster;
        let info = ReleaseInfo {
            name: name.clone(),
            namespace: namespace.clone(),
            revision: standing.next_revision().into(),
            operation: sutler_chart::Operation::Install,
        };
        let mut content = render::content(cluster, &request.source, info.clone(), None).await?;
        if !request.skip_crds && self.install_crds(&content, options, events).await? {
            // The cluster has kinds now that it had not: charts may ask for them.
            content = render::content(cluster, &request.source, info, None).await?;
        }
        let mut targets = apply::build(cluster, &content.manifest, "release manifest", namespace).await?;
        apply::mark_all(&mut targets, name, namespace);
        let all: Vec<&Value> = targets.iter().collect();
        apply::check_owners(cluster, &all, (name, namespace), "install", options.take_ownership).await?;
        if request.create_namespace {
            self.create_namespace(namespace, events).await?;
        }
        let originals = apply::build_originals(cluster, standing.in_cluster()).await?;
        self.supersede_uninstalled(&mut standing).await?;
        let record = new_record(request, content, standing.next_revision(), cluster.world().now());
        let mut operation = self.start(record, events).await?;
        match perform(&mut operation, &targets, &originals, options).await {
            Ok(()) => Ok(operation.record),
            Err(error) => self.fail_install(operation, error, request).await,
        }
    }

    /// Writes the definitions of `crds/` and waits until the API serves them; whether it serves new kinds now.
    async fn install_crds(&self, content: &Content, options: &Options, events: Events<'_>) -> Result<bool, Error> {
        let mut established = Vec::new();
        let mut is_new = false;
        for file in &content.crds {
            let objects =
                parse_manifest(file).map_err(|source| Error::Manifest { of: "custom resource definition", source })?;
            for crd in objects {
                let before = self.cluster.get(&ObjectRef::of(&crd)).await?;
                let after =
                    self.cluster.apply(&crd, ApplyOptions { force: options.force_conflicts, dry_run: false }).await?;
                let version = |object: &Value| object.pointer("/metadata/resourceVersion").cloned();
                let change = match &before {
                    None => Change::Created,
                    Some(before) if version(before) == version(&after) => Change::Unchanged,
                    Some(_) => Change::Configured,
                };
                is_new |= change != Change::Unchanged;
                events(Event::CrdApplied { name: object::name(&crd).to_owned(), change });
                established.push(after);
            }
        }
        if established.is_empty() {
            return Ok(false);
        }
        // No record is stored yet, so nothing has to be renewed while waiting.
        let kinds = established.iter().flat_map(served_kinds).collect();
        let mut waiting = Operation::without_record(&self.cluster, events);
        wait(&mut waiting, established, Goal::Ready, CRD_TIMEOUT).await?;
        self.await_discovery(kinds).await?;
        Ok(is_new)
    }

    /// Waits until discovery shows new kinds, which it does a moment after they are established.
    async fn await_discovery(&self, mut kinds: Vec<(String, String)>) -> Result<(), Error> {
        let world = self.cluster.world();
        let deadline = world.now().checked_add(DISCOVERY_TIMEOUT).unwrap_or(Timestamp::MAX);
        loop {
            self.cluster.forget_kinds();
            let mapper = self.cluster.mapper().await?;
            kinds.retain(|(api_version, kind)| mapper.mapping(api_version, kind).is_none());
            let now = world.now();
            // What is still not shown will be named by the manifest that needs it.
            if kinds.is_empty() || now >= deadline {
                return Ok(());
            }
            let next = now.checked_add(SignedDuration::from_millis(250)).unwrap_or(deadline);
            world.until_change_or(&[], next.min(deadline)).await?;
        }
    }

    /// Makes the namespace if it is missing, as Helm does.
    async fn create_namespace(&self, namespace: &str, events: Events<'_>) -> Result<(), Error> {
        let reference = ObjectRef::new("v1", "Namespace", None, namespace);
        match self.cluster.get(&reference).await {
            Ok(Some(_)) => return Ok(()),
            Ok(None) => {}
            // Who may not look may still be allowed to use it: the next request tells.
            Err(ApiError::Forbidden { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let object = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": {"name": namespace}},
        });
        self.cluster.apply(&object, ApplyOptions::default()).await?;
        events(Event::NamespaceCreated { namespace: namespace.to_owned() });
        Ok(())
    }

    /// Marks the last revision of an uninstalled release as replaced (Helm's `replaceRelease`).
    async fn supersede_uninstalled(&self, standing: &mut Standing) -> Result<(), Error> {
        if let Some(last) = standing.history.last_mut()
            && last.info.status == Status::Uninstalled
        {
            last.set_status(Status::Superseded, "superseded by new release");
            store::update(&self.cluster, last).await?;
        }
        Ok(())
    }

    async fn fail_install(
        &self,
        mut operation: Operation<'_>,
        error: Error,
        request: &InstallRequest,
    ) -> Result<Release, Error> {
        let description = format!("Release {:?} failed: {}", request.name, in_full(&error));
        let error = operation.fail(description, error).await;
        if !request.options.rollback_on_failure || matches!(error, Error::LeaseLost { .. }) {
            return Err(error);
        }
        let uninstall = UninstallRequest {
            disable_hooks: request.options.disable_hooks,
            timeout: request.options.timeout,
            ..UninstallRequest::new(&request.namespace, &request.name)
        };
        let name = request.name.clone();
        match self.uninstall_at_work(&uninstall, operation.events).await {
            Ok(_) => Err(Error::TakenBack { name, uninstalled: true, source: Box::new(error) }),
            Err(source) => Err(Error::NotTakenBack { name, failure: Box::new(error), source: Box::new(source) }),
        }
    }
}

/// The kinds that a CustomResourceDefinition makes the API serve, as (apiVersion, kind).
fn served_kinds(crd: &Value) -> Vec<(String, String)> {
    let (group, kind) = (object::text(crd, &["spec", "group"]), object::text(crd, &["spec", "names", "kind"]));
    let versions = object::list(crd, &["spec", "versions"]).iter();
    let served = versions.filter(|version| version.get("served").and_then(Value::as_bool) == Some(true));
    served.map(|version| (format!("{group}/{}", object::text(version, &["name"])), kind.to_owned())).collect()
}

fn new_record(request: &InstallRequest, content: Content, version: u32, now: Timestamp) -> Release {
    Release {
        name: request.name.clone(),
        namespace: request.namespace.clone(),
        version,
        info: Info {
            first_deployed: Some(now),
            last_deployed: Some(now),
            status: Status::PendingInstall,
            description: "Initial install underway".to_owned(),
            notes: content.notes,
            ..Info::default()
        },
        chart: content.chart,
        config: content.config,
        manifest: content.manifest,
        hooks: content.hooks,
        apply_method: ApplyMethod::ServerSide,
        labels: request.options.labels.clone(),
        annotations: request.options.annotations.clone(),
        ..Release::default()
    }
}

async fn perform(
    operation: &mut Operation<'_>,
    targets: &[Value],
    originals: &[Value],
    options: &Options,
) -> Result<(), Error> {
    if !options.disable_hooks {
        crate::hooks::run(operation, HookEvent::PreInstall, options.timeout).await?;
    }
    let method =
        Method { apply: ApplyMethod::ServerSide, force: options.force_conflicts, take_over: !originals.is_empty() };
    let mut written: Written = apply::write(operation, targets, originals, method).await?;
    written.result()?;
    apply::prune(operation, originals, targets).await?;
    wait_as_asked(operation, written.objects, options).await?;
    if !options.disable_hooks {
        crate::hooks::run(operation, HookEvent::PostInstall, options.timeout).await?;
    }
    let description = options.description.clone().unwrap_or_else(|| "Install complete".to_owned());
    operation.record.set_status(Status::Deployed, description);
    operation.save().await
}

/// Waits for a release's objects as its options say.
pub(crate) async fn wait_as_asked(
    operation: &mut Operation<'_>,
    live: Vec<Value>,
    options: &Options,
) -> Result<(), Error> {
    // With rollback on failure, readiness is what decides whether it failed (as in Helm).
    let goal = match options.wait {
        WaitFor::Hooks if !options.rollback_on_failure => return Ok(()),
        WaitFor::Hooks | WaitFor::Ready => Goal::Ready,
        WaitFor::ReadyAndJobs => Goal::ReadyAndJobs,
    };
    wait(operation, live, goal, options.timeout).await
}
