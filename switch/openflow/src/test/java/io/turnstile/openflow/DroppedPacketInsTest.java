package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.EventLoopGroup;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.PacketInReason;
import io.turnstile.time.ManualClock;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Packet-ins that the event loop is too slow for are dropped and counted, over all bridges. */
class DroppedPacketInsTest {
    private static final int MOST_PENDING = 1024;

    @Test
    void packetInsOfAllBridgesAreCountedTogether() throws Exception {
        EventLoopGroup loop = OpenFlowAgent.newEventLoop();
        OpenFlowAgent agent = new OpenFlowAgent(loop, new ManualClock(0, 0));
        CompletableFuture<Void> goOn = new CompletableFuture<>();
        FakeSwitch first = new FakeSwitch();
        FakeSwitch second = new FakeSwitch();
        try (BridgeAgent _ = agent.attach(first);
                BridgeAgent _ = agent.attach(second)) {
            loop.execute(goOn::join);
            for (int i = 0; i < MOST_PENDING + 2; i++) {
                first.events.packetIn(FakeSwitch.packetIn(new byte[60], PacketInReason.ACTION, Match.ANY));
                second.events.packetIn(FakeSwitch.packetIn(new byte[60], PacketInReason.ACTION, Match.ANY));
            }
            assertThat(agent.droppedPacketIns()).isEqualTo(4);
            goOn.complete(null);
        } finally {
            goOn.complete(null);
            loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
        }
    }
}
