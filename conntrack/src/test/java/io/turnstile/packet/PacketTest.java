package io.turnstile.packet;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PacketTest {
    @Test
    void anOpenChecksumMovesOnlyWithWhatIsInsertedOrRemovedBeforeIt() {
        Packet packet =
                Frames.tcp("10.0.0.1:1 > 10.0.0.2:2").payload("0123456789").packet();
        packet.setPartialChecksum(34, 50);
        packet.insertBytes(58, 3);
        assertThat(packet.checksumStart()).isEqualTo(34);
        assertThat(packet.checksumField()).isEqualTo(50);
        packet.removeBytes(58, 3);
        packet.insertBytes(12, 4);
        assertThat(packet.checksumStart()).isEqualTo(38);
        assertThat(packet.checksumField()).isEqualTo(54);
        packet.removeBytes(12, 4);
        assertThat(packet.checksumStart()).isEqualTo(34);
        assertThat(packet.checksumField()).isEqualTo(50);
    }
}
