use crate::harness::Harness;
use crate::hostile::Fault;
use crate::mismatch::Check;

/// Every case asks for this, and tells the kit. Here is one exchange, for when no other case is run.
pub(crate) async fn what_is_said_to_be_unsent_is_unsent(harness: &Harness<'_>) -> Check {
    let subject = harness.subject(Fault::Close);
    subject.send(subject.post()).await.ended()
}
