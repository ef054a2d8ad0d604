package io.turnstile.port;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PcapFileTest {
    /** The first 24 bytes of a capture that ovs-vswitchd 3.1.0 wrote for a dummy device. */
    private static final byte[] FILE_HEADER = PortFrames.hex("d4c3b2a1 0200 0400 00000000 00000000 ee050000 01000000");

    @TempDir
    private Path folder;

    @Test
    void aNewFileHasTheHeaderThatOpenVswitchWrites() throws IOException {
        Path path = folder.resolve("a.pcap");
        new PcapFile(path).close();
        assertThat(Files.readAllBytes(path)).isEqualTo(FILE_HEADER);
    }

    @Test
    void aFrameIsInTheFileAsSoonAsItIsWritten() throws IOException {
        Path path = folder.resolve("b.pcap");
        try (PcapFile file = new PcapFile(path)) {
            file.write(new byte[] {1, 2, 3}, 1_700_000_000_123_456L);
            byte[] bytes = Files.readAllBytes(path);
            assertThat(bytes)
                    .startsWith(FILE_HEADER)
                    .endsWith(PortFrames.hex("00f15365 40e20100 03000000 03000000 010203"));
            assertThat(bytes).hasSize(24 + 16 + 3);
        }
    }

    @Test
    void anExistingFileIsContinued() throws IOException {
        Path path = folder.resolve("c.pcap");
        for (int i = 0; i < 2; i++) {
            try (PcapFile file = new PcapFile(path)) {
                file.write(new byte[60], 0);
            }
        }
        assertThat(Files.size(path)).isEqualTo(24 + 2 * (16 + 60));
    }

    @Test
    void aFolderThatIsNotThereIsSaid() {
        assertThatThrownBy(() -> new PcapFile(folder.resolve("no/such.pcap")))
                .isInstanceOf(PortException.class)
                .hasMessageContaining("no/such.pcap");
    }
}
