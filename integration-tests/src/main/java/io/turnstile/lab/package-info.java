/**
 * The laboratory: network namespaces, veth pairs, real tools as child processes, and the two switches that stories, the
 * demo and the side-by-side benchmarks drive through the same commands: Turnstile and Debian's Open vSwitch (userspace
 * datapath). Everything a {@link io.turnstile.lab.Lab} makes carries its own prefix and is gone when the lab is closed;
 * processes are ended by pid, and only those that the lab started.
 *
 * <p>Needs root. Threads: a lab belongs to one thread.
 */
@NullMarked
package io.turnstile.lab;

import org.jspecify.annotations.NullMarked;
