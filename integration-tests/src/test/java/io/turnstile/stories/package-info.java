/**
 * Stories against the whole switch. Those tagged {@code system} need root and Debian's tools and run in namespaces that
 * they make themselves; the others run embedded.
 */
package io.turnstile.stories;
