/**
 * The soak: a switch of its own under traffic, churn, floods, clients that misbehave and kills, for as long as is asked
 * for, while it is watched: memory, pauses, losses and answers have bounds, and a run in which one is broken has
 * failed.
 */
@NullMarked
package io.turnstile.bench.soak;

import org.jspecify.annotations.NullMarked;
