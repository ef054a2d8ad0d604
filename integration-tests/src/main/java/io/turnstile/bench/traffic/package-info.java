/**
 * Load for side-by-side runs: small programs that the bench starts inside the lab's namespaces, each bounded in time,
 * each printing one number on its last line. They know nothing of the switch that carries their packets.
 */
@NullMarked
package io.turnstile.bench.traffic;

import org.jspecify.annotations.NullMarked;
