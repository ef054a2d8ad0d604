/**
 * The kit that any offload provider can be checked with:
 * {@link io.turnstile.offload.conformance.OffloadProviderConformance} is a JUnit 5 test that a vendor's test extends;
 * what can be said of the provider stands in {@link io.turnstile.offload.conformance.ProviderUnderTest}. It calls the
 * provider directly, as the switch's dispatcher would ({@code LegalDispatcher}), with connections of every kind
 * ({@code SampleConnections}) that live legal lives ({@code Life}), by both sides of the SPI ({@code ProviderCalls}),
 * judges what it tells unasked ({@code ProviderReports}), and gives up on calls that do not return ({@code CallWatch}).
 * {@link io.turnstile.offload.conformance.IdleProvider} is the provider that does nothing, for tests of whoever calls
 * providers.
 *
 * <p>Relies on the SPI, JUnit Jupiter's API and AssertJ. The latter two have scope {@code provided} in this module's
 * POM: the kit ships in the module's jar, but whoever runs the switch needs neither, and who extends the kit has them
 * among the test dependencies already (JUnit 5.14 or later with its engine, AssertJ 3.27 or later).
 *
 * <p>Threads: each test runs the provider on daemon threads of its own, and JUnit's thread waits for them.
 */
@NullMarked
package io.turnstile.offload.conformance;

import org.jspecify.annotations.NullMarked;
