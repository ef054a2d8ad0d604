package io.turnstile.bridge;

import io.turnstile.conntrack.ConntrackControl;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.ForwardingThreads;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PathGate;
import io.turnstile.offload.ProviderRegistry;
import io.turnstile.openflow.OpenFlowAgent;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.port.PortFactory;
import io.turnstile.telemetry.MetricsEndpoint;
import io.turnstile.time.Clock;
import io.turnstile.tls.TlsContexts;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/**
 * The parts of the switch that the reconciler configures.
 *
 * @param devices opens the machine's devices
 * @param runDirectory where bridges' OpenFlow sockets go
 * @param version written to {@code Open_vSwitch:ovs_version}
 * @param databaseVersion written to {@code Open_vSwitch:db_version}; empty leaves the column alone
 * @param managers is told the targets of all Manager rows after each change
 */
public record SwitchComponents(
        Pipeline pipeline,
        Datapath datapath,
        ForwardingThreads threads,
        PortFactory devices,
        DummyLevel dummies,
        OpenFlowAgent openFlow,
        TlsContexts tls,
        ConntrackControl tracker,
        OffloadDispatcher offload,
        PathGate paths,
        ProviderRegistry providers,
        MetricsEndpoint metrics,
        Clock clock,
        Path runDirectory,
        String version,
        String databaseVersion,
        Consumer<List<String>> managers) {}
