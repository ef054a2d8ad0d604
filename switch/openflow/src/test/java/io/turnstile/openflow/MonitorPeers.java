package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.turnstile.datapath.Datapath;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** A real bridge, and peers that talk to it over no network: what they say is done before {@link Peer#say} returns. */
final class MonitorPeers implements AutoCloseable {
    final ManualClock clock = new ManualClock(Long.MAX_VALUE - 1_000_000, 0);
    final Pipeline pipeline = new Pipeline(new Datapath(null, clock), clock, Runnable::run);
    final BridgePipeline bridge = pipeline.addBridge("br0", 1);
    final List<RuntimeException> failures = new ArrayList<>();
    private final List<Peer> peers = new ArrayList<>();
    private final EmbeddedChannel main = new EmbeddedChannel();
    private final BridgeAgent agent;

    MonitorPeers() {
        bridge.setFailMode(BridgePipeline.FailMode.SECURE);
        bridge.addPort(new OfPort(OfAction.Ports.LOCAL, -1, "br0", 0x020000000001L, 0, 0, null, 0));
        bridge.addPort(new OfPort(1, -1, "p1", 0x020000000002L, 0, 0, null, 0));
        Shared shared = new Shared(clock, failures::add, Runtime.getRuntime().maxMemory(), Runnable::run);
        agent = new OpenFlowAgent(main.eventLoop(), shared).attach(bridge);
    }

    /** One who has greeted. */
    Peer join(WireVersion version) {
        Peer peer = new Peer(version);
        peers.add(peer);
        peer.say(peer.message(0, 1, body -> {}));
        return peer;
    }

    void flow(FlowMod.Command command, String text) throws Exception {
        bridge.apply(FlowText.parseFlowMod(command, text));
        settle();
    }

    void pass(Duration time) {
        clock.advance(time);
        pipeline.maintain(clock.nowNs());
        settle();
    }

    void settle() {
        do {
            main.runPendingTasks();
            peers.forEach(peer -> peer.channel.runPendingTasks());
        } while (main.hasPendingTasks() || peers.stream().anyMatch(peer -> peer.channel.hasPendingTasks()));
    }

    @Override
    public void close() {
        peers.forEach(peer -> peer.channel.finishAndReleaseAll());
        main.finishAndReleaseAll();
    }

    final class Peer {
        final EmbeddedChannel channel = new EmbeddedChannel();
        final OpenFlowConnection connection = new OpenFlowConnection(agent, false, 0, OpenFlowConnection.GREETING_MS);
        private final WireVersion version;

        private Peer(WireVersion version) {
            this.version = version;
            channel.pipeline().addLast(new OpenFlowFramer(), connection);
            channel.freezeTime();
            connection.channelActive(channel.pipeline().context(connection));
            answers();
        }

        ByteBuf message(int type, int xid, Consumer<ByteBuf> body) {
            ByteBuf out = Unpooled.buffer();
            int start = Wire.startMessage(out, version, type, xid);
            body.accept(out);
            Wire.endMessage(out, start);
            return out;
        }

        /** Says a message and returns what it hears by then. */
        List<ByteBuf> say(ByteBuf message) {
            channel.writeInbound(message);
            settle();
            return answers();
        }

        void setReading(boolean reads) {
            channel.unsafe().outboundBuffer().setUserDefinedWritability(1, reads);
            settle();
        }

        List<ByteBuf> answers() {
            List<ByteBuf> answers = new ArrayList<>();
            for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
                answers.add(Unpooled.copiedBuffer(out));
                out.release();
            }
            return answers;
        }
    }
}
