//! The simulator as a tower service: what `kube::Client` talks to in the same process, and what the HTTP server puts in front
//! of. A watch becomes a body that goes on as long as it is read.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body::{Body as HttpBody, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

use crate::request::{Request, Response};
use crate::simulator::{Counted, Cut, Simulator};
use crate::status::Refusal;
use crate::watch::Watch;

/// Body of an answer.
pub(crate) type AnswerBody = UnsyncBoxBody<Bytes, std::convert::Infallible>;

/// The largest request body that is read, as the API server's limit of 3 MiB.
const LARGEST_BODY: usize = 3 * 1024 * 1024;
/// How often a quiet watch gets a bookmark, when it asked for bookmarks.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// Watch lines that are put into one frame.
const LINES_AT_ONCE: usize = 256;

impl Simulator {
    /// A client of this simulator, in the same process. Its default namespace is `default`.
    ///
    /// Must be called within a Tokio runtime, as `kube::Client::new`.
    pub fn client(&self) -> kube::Client {
        let simulator = self.clone();
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let simulator = simulator.clone();
            async move { simulator.serve_call(request).await }
        });
        kube::Client::new(service, "default")
    }

    /// Answers an HTTP request.
    ///
    /// # Errors
    /// [`Cut`] when a planned fault cuts the connection.
    pub(crate) async fn serve_call<B>(&self, request: http::Request<B>) -> Result<http::Response<AnswerBody>, Cut>
    where
        B: HttpBody<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
            let message = format!("limit is {LARGEST_BODY}");
            return Ok(self.write_out(Refusal::new(413, "RequestEntityTooLarge", message).into()));
        };
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let mut plain = Request::new(parts.method, target, body.to_bytes());
        plain.accept = header_text(&parts.headers, header::ACCEPT);
        plain.content_type = header_text(&parts.headers, header::CONTENT_TYPE);
        plain.user_agent = header_text(&parts.headers, header::USER_AGENT);
        plain.if_none_match = header_text(&parts.headers, header::IF_NONE_MATCH);
        Ok(self.write_out(self.call(&plain).await?))
    }

    fn write_out(&self, response: Response) -> http::Response<AnswerBody> {
        let code = StatusCode::from_u16(response.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut builder = http::Response::builder().status(code);
        builder = builder.header(header::CONTENT_TYPE, response.content_type);
        if let Some(etag) = &response.etag {
            builder = builder.header(header::ETAG, etag).header(header::VARY, "Accept");
        }
        if let Some(seconds) = response.retry_after_seconds {
            builder = builder.header(header::RETRY_AFTER, seconds);
        }
        for warning in &response.warnings {
            let text = warning.replace('\\', "\\\\").replace('"', "\\\"");
            if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{text}\"")) {
                builder = builder.header(header::WARNING, value);
            }
        }
        let body = match response.body.into_bytes() {
            Ok(bytes) => Full::new(bytes).boxed_unsync(),
            Err(watch) => self.stream(watch),
        };
        builder.body(body).expect("every header value is ASCII text, made here or checked above")
    }

    fn stream(&self, watch: Box<Watch>) -> AnswerBody {
        let now = Instant::now();
        let reader = Reader {
            _counted: self.watching(),
            revisions: self.revisions(),
            simulator: self.clone(),
            ends: watch.timeout_seconds.map(|seconds| now + Duration::from_secs(seconds)),
            bookmark: now + BOOKMARK_EVERY,
            watch,
        };
        let frames = stream::unfold(reader, |mut reader| async move {
            let bytes = reader.next().await?;
            Some((Ok(Frame::data(bytes)), reader))
        });
        StreamBody::new(frames).boxed_unsync()
    }
}

/// A watch being read.
struct Reader {
    simulator: Simulator,
    watch: Box<Watch>,
    revisions: Receiver<u64>,
    ends: Option<Instant>,
    bookmark: Instant,
    _counted: Counted,
}

impl Reader {
    /// The next lines; none when the stream is over.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            // Marked as seen before looking, so that what happens in between is not missed.
            self.revisions.borrow_and_update();
            let lines: Vec<Bytes> = self.simulator.machine().poll(&mut self.watch, LINES_AT_ONCE);
            if !lines.is_empty() {
                return Some(join(&lines));
            }
            if self.watch.ended() {
                return None;
            }
            let ends = self.ends.unwrap_or(self.bookmark);
            tokio::select! {
                changed = self.revisions.changed() => changed.ok()?,
                () = sleep_until(ends), if self.ends.is_some() => return None,
                () = sleep_until(self.bookmark) => {
                    self.bookmark = Instant::now() + BOOKMARK_EVERY;
                    if let Some(line) = self.watch.bookmark() {
                        return Some(line);
                    }
                }
            }
        }
    }
}

fn join(lines: &[Bytes]) -> Bytes {
    if lines.len() == 1 {
        return lines[0].clone();
    }
    let mut joined = Vec::with_capacity(lines.iter().map(Bytes::len).sum());
    lines.iter().for_each(|line| joined.extend_from_slice(line));
    Bytes::from(joined)
}

fn header_text(headers: &HeaderMap, name: header::HeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_string()
}
