/**
 * Paths made of what walks really did: {@link io.turnstile.path.PathKeeper} looks at how a packet of a connection that
 * a provider holds goes through the datapath, {@link io.turnstile.path.PathComposer} sums the walk up, and what comes
 * of it is offered to {@link io.turnstile.offload.PathBook}. A path is taken back before any change that touches it has
 * effect, and what was carried is counted where software would have counted it.
 *
 * <p>Threads: the keeper has one of its own, {@code paths}; forwarding threads only leave samples for it.
 */
@NullMarked
package io.turnstile.path;

import org.jspecify.annotations.NullMarked;
