package io.turnstile.bpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** Sizes, names and flags of maps, as far as they are known without the kernel. */
class MapDefinitionTest {
    @Test
    void namesAreThoseThatTheKernelTakes() {
        assertThat(MapDefinition.of("a.Name_15_chars", MapType.HASH, 1, 1, 1).name())
                .hasSize(15);
        assertThatThrownBy(() -> MapDefinition.of("sixteen_letters_", MapType.HASH, 1, 1, 1))
                .hasMessage("the kernel takes names of 1 to 15 letters, digits, _ and .: \"sixteen_letters_\"");
        assertThatThrownBy(() -> MapDefinition.of("a-b", MapType.HASH, 1, 1, 1))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void nothingMayBeEmpty() {
        assertThatThrownBy(() -> MapDefinition.of("m", MapType.HASH, 0, 8, 1))
                .hasMessage("map m: a key of 0 bytes, a value of 8 and 1 entries: each has to be more than 0");
    }

    @Test
    void flagsAreBits() {
        MapDefinition definition = MapDefinition.of("m", MapType.HASH, 1, 1, 1);

        assertThat(definition.flagBits()).isZero();
        assertThat(definition.with(MapFlag.NO_PREALLOC, MapFlag.RDONLY_PROG).flagBits())
                .isEqualTo(0x81);
        assertThat(definition.with(MapFlag.MMAPABLE).flagBits()).isEqualTo(0x400);
    }

    @Test
    void valuesStandAtMultiplesOfEightBytes() {
        MapDefinition definition = MapDefinition.of("m", MapType.ARRAY, 4, 12, 1);

        assertThat(definition.valueStrideBytes()).isEqualTo(16);
        assertThat(definition.entryBytes()).isEqualTo(12);
    }

    @Test
    void cpusAreCountedFromTheKernelsList() {
        assertThat(PossibleCpus.countOf("0\n")).isEqualTo(1);
        assertThat(PossibleCpus.countOf("0-127\n")).isEqualTo(128);
        assertThat(PossibleCpus.countOf("0-1,4,6-7\n")).isEqualTo(5);
        assertThat(PossibleCpus.numbersOf("0\n")).isEqualTo(1);
        assertThat(PossibleCpus.numbersOf("0-127\n")).isEqualTo(128);
        assertThat(PossibleCpus.numbersOf("0-1,4,6-7\n")).isEqualTo(8);
    }
}
