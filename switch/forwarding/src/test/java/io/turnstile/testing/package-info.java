/** Frames and fakes for the tests of the switch. */
package io.turnstile.testing;
