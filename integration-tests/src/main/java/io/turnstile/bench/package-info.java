/**
 * {@code ./turnstile bench}: the measurements of {@code docs/performance.md}, JMH for single parts and side by side
 * with Open vSwitch for the whole. Relies on every module; the side-by-side runs need root and Debian's tools.
 */
package io.turnstile.bench;
