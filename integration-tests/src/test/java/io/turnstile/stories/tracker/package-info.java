/**
 * The connection tracker beside Open vSwitch's: random packet sequences, and scripts that were shrunk out of them,
 * through Turnstile and Debian's ovs-vswitchd, both with ports in memory and a clock that stands still. A
 * {@link io.turnstile.stories.tracker.Script} is what both are given, an {@link io.turnstile.stories.tracker.Outcome}
 * what came of it; {@link io.turnstile.stories.tracker.Twins} runs both and shrinks what differs.
 *
 * <p>Threads: one for each story.
 */
package io.turnstile.stories.tracker;
