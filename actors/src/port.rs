//! A port: where one thread asks questions of sequences and awaits the answers.
//!
//! Questions that arise in the same turn of the thread's event loop travel together, one message
//! for each actor. The one who asks only listens: when its future is dropped, because a client
//! hung up, the question goes on and its answer is thrown away.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use redeemd_domain::machine::Machine;
use slab::Slab;

use crate::core::{Answer, Ask, PortId, Rejection, Submission, Token};
use crate::directory::Directory;
use crate::messages::Submit;
use crate::ports::{Answers, Ports};

/// How long a sequence that takes nothing is left alone before it is told again.
const AGAIN: Duration = Duration::from_millis(50);

/// Asks questions of one kind of machine, from one thread.
#[derive(Debug)]
pub struct Port<M: Machine> {
    inner: Rc<Inner<M>>,
}

impl<M: Machine> Clone for Port<M> {
    fn clone(&self) -> Self {
        Self { inner: Rc::clone(&self.inner) }
    }
}

#[derive(Debug)]
struct Inner<M: Machine> {
    id: PortId,
    ports: Ports<M>,
    directory: Directory<M>,
    capacity: usize,
    questions: RefCell<Slab<Question<M>>>,
    /// What goes out with the next flush, for each actor.
    gathered: RefCell<Vec<Vec<Submission<M>>>>,
    flush_is_due: Cell<bool>,
}

#[derive(Debug)]
enum Question<M: Machine> {
    Open(Option<Waker>),
    Answered(Answer<M>),
    /// Nobody waits for the answer any more.
    Abandoned,
}

impl<M: Machine> Port<M> {
    /// Opens a port for at most `capacity` questions at a time. Must be called on a thread that
    /// runs local tasks (an actix arbiter or HTTP worker), where it leaves one that takes answers.
    pub fn open(ports: &Ports<M>, directory: &Directory<M>, capacity: usize) -> Self {
        let (id, mut receiver) = ports.open(capacity);
        let inner = Rc::new(Inner {
            id,
            ports: ports.clone(),
            directory: directory.clone(),
            capacity,
            questions: RefCell::new(Slab::new()),
            gathered: RefCell::new((0..directory.len()).map(|_| Vec::new()).collect()),
            flush_is_due: Cell::new(false),
        });
        let listener = Rc::downgrade(&inner);
        actix::spawn(async move {
            while let Some(answers) = receiver.recv().await {
                let Some(inner) = listener.upgrade() else { break };
                inner.take(answers);
            }
        });
        Self { inner }
    }

    /// Asks the actor at a place of the directory. The question is on its way as soon as this
    /// thread has nothing else to do, whether or not the future is awaited.
    pub fn ask(&self, place: usize, ask: Ask<M>) -> Asked<M> {
        let mut questions = self.inner.questions.borrow_mut();
        let mut gathered = self.inner.gathered.borrow_mut();
        let (true, Some(gathered)) =
            (questions.len() < self.inner.capacity, gathered.get_mut(place))
        else {
            return Asked { inner: Rc::clone(&self.inner), ticket: None };
        };
        let ticket = questions.insert(Question::Open(None));
        let token = Token { port: self.inner.id, ticket: ticket as u64 };
        gathered.push(Submission { token, ask });
        if !self.inner.flush_is_due.replace(true) {
            let inner = Rc::clone(&self.inner);
            actix::spawn(async move { inner.flush() });
        }
        Asked { inner: Rc::clone(&self.inner), ticket: Some(ticket) }
    }

    /// Carries out a command.
    pub fn perform(&self, place: usize, command: M::Command) -> Asked<M> {
        self.ask(place, Ask::Do(command))
    }

    /// Carries out a command that others wait for: past the bound of the mailbox and those of the
    /// sequence. It is for what whoever asks has bounded already.
    pub fn insist(&self, place: usize, command: M::Command) -> Asked<M> {
        let mut questions = self.inner.questions.borrow_mut();
        let ticket = questions.insert(Question::Open(None));
        drop(questions);
        let token = Token { port: self.inner.id, ticket: ticket as u64 };
        let submission = Submission { token, ask: Ask::Insist(command) };
        let submit = Submit::new(vec![submission], self.inner.ports.clone());
        match self.inner.directory.address(place) {
            Some(address) => {
                address.do_send(submit.counted(self.inner.directory.waiting(place)));
            }
            None => self.inner.reject(submit, Rejection::Unavailable),
        }
        Asked { inner: Rc::clone(&self.inner), ticket: Some(ticket) }
    }

    /// Carries out a command again and again until it has come to something: for one that must
    /// reach a sequence, and that does no harm when it comes twice.
    pub(crate) async fn keep_telling(&self, place: usize, command: &M::Command) {
        while !matches!(self.perform(place, command.clone()).await, Answer::Outcome(_)) {
            actix::clock::sleep(AGAIN).await;
        }
    }

    /// How many actors there are to ask.
    pub fn places(&self) -> usize {
        self.inner.directory.len()
    }

    /// How many questions are open.
    pub fn outstanding(&self) -> usize {
        self.inner.questions.borrow().len()
    }
}

impl<M: Machine> Inner<M> {
    fn flush(&self) {
        self.flush_is_due.set(false);
        let count = self.gathered.borrow().len();
        for place in 0..count {
            let gathered = match self.gathered.borrow_mut().get_mut(place) {
                Some(gathered) if !gathered.is_empty() => std::mem::take(gathered),
                _ => continue,
            };
            let submit = Submit::new(gathered, self.ports.clone());
            match self.directory.address(place) {
                // A full mailbox gives the message back, and dropping it answers everything in it.
                Some(address) => {
                    drop(address.try_send(submit.counted(self.directory.waiting(place))));
                }
                None => self.reject(submit, Rejection::Unavailable),
            }
        }
    }

    fn reject(&self, mut submit: Submit<M>, rejection: Rejection) {
        let mut answers = Answers::<M>::new();
        while let Some(Submission { token, .. }) = submit.next_submission() {
            answers.push((token, Answer::Rejected(rejection)));
        }
        self.take(answers);
    }

    fn take(&self, answers: Answers<M>) {
        let mut questions = self.questions.borrow_mut();
        for (token, answer) in answers {
            let Ok(ticket) = usize::try_from(token.ticket) else { continue };
            let Some(question) = questions.get_mut(ticket) else { continue };
            match std::mem::replace(question, Question::Answered(answer)) {
                Question::Open(Some(waker)) => waker.wake(),
                Question::Open(None) | Question::Answered(_) => {}
                Question::Abandoned => drop(questions.remove(ticket)),
            }
        }
    }
}

/// The answer to come.
#[derive(Debug)]
pub struct Asked<M: Machine> {
    inner: Rc<Inner<M>>,
    ticket: Option<usize>,
}

impl<M: Machine> Future for Asked<M> {
    type Output = Answer<M>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer<M>> {
        let Some(ticket) = self.ticket else {
            return Poll::Ready(Answer::Rejected(Rejection::Overloaded));
        };
        let mut questions = self.inner.questions.borrow_mut();
        match questions.get_mut(ticket) {
            Some(Question::Open(waker)) => {
                if waker.as_ref().is_none_or(|waker| !waker.will_wake(context.waker())) {
                    *waker = Some(context.waker().clone());
                }
                Poll::Pending
            }
            Some(Question::Answered(_)) => {
                let Question::Answered(answer) = questions.remove(ticket) else {
                    return Poll::Ready(Answer::Rejected(Rejection::Unavailable));
                };
                drop(questions);
                self.ticket = None;
                Poll::Ready(answer)
            }
            Some(Question::Abandoned) | None => {
                Poll::Ready(Answer::Rejected(Rejection::Unavailable))
            }
        }
    }
}

impl<M: Machine> Drop for Asked<M> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let mut questions = self.inner.questions.borrow_mut();
        match questions.get_mut(ticket) {
            Some(question @ Question::Open(_)) => *question = Question::Abandoned,
            Some(Question::Answered(_)) => drop(questions.remove(ticket)),
            Some(Question::Abandoned) | None => {}
        }
    }
}
