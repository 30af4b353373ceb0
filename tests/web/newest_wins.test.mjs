import assert from "node:assert/strict";
import test from "node:test";
import { newestWins } from "../../web/js/newest_wins.js";

/** Work that ends when told: `done[i]()`, in the order in which it began. */
function told() {
  const began = [];
  const ends = [];
  const work = (item) =>
    new Promise((resolve, reject) => {
      began.push(item);
      ends.push({ resolve, reject });
    });
  const end = async (place, how = "resolve") => {
    ends[place][how](new Error("on purpose"));
    await new Promise((done) => setImmediate(done));
  };
  return { began, work, end };
}

test("one at a time, and of those that wait only the newest", async () => {
  const { began, work, end } = told();
  const queue = newestWins(work, assert.fail);
  for (const item of [1, 2, 3, 4]) queue.ask(item);
  assert.deepEqual(began, [1]);
  await end(0);
  assert.deepEqual(began, [1, 4]);
  await end(1);
  assert.deepEqual(began, [1, 4]);
  queue.ask(5);
  assert.deepEqual(began, [1, 4, 5]);
});

test("a failure is told and stops nothing", async () => {
  const { began, work, end } = told();
  const failures = [];
  const queue = newestWins(work, (error) => failures.push(error.message));
  queue.ask(1);
  queue.ask(2);
  await end(0, "reject");
  assert.deepEqual([began, failures], [[1, 2], ["on purpose"]]);
});

test("after the stop nothing begins", async () => {
  const { began, work, end } = told();
  const queue = newestWins(work, assert.fail);
  queue.ask(1);
  queue.ask(2);
  queue.stop();
  await end(0);
  queue.ask(3);
  assert.deepEqual(began, [1]);
});

test("an item may be asked for while its predecessor's end is seen", async () => {
  const { began, work, end } = told();
  const queue = newestWins(async (item) => {
    await work(item);
    if (item === 1) queue.ask(7);
  }, assert.fail);
  queue.ask(1);
  await end(0);
  assert.deepEqual(began, [1, 7]);
});
