// A line of JSON in, a line of JSON out: node.py asks.
import { createInterface } from "node:readline";

import { HomebodyError } from "../web/errors.js";

/** Answers questions by functions of those names until there are no more. */
export async function answer(answers) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { ask, ...given } = JSON.parse(line);
    let reply;
    try {
      reply = { value: (await answers[ask](given)) ?? null };
    } catch (error) {
      reply = { error: error.name, message: error.message, ours: error instanceof HomebodyError };
    }
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
}
