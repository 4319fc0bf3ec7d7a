#!/usr/bin/env bash
# The document of the early ORAS: single files with a type, under a tag.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
start_registry

SP_APP_ID=$USER_NAME
SP_PASSWD=$PASSWORD

step S4-1 'a login with the password on the command line'
oras login $REGISTRY --username $SP_APP_ID --password $SP_PASSWD
shows <<<'Login Succeeded'

step S4-2 'a file is pushed with an empty config'
echo "Here is an artifact" > artifact.txt
oras push $REGISTRY/samples/artifact:1.0 \
    --manifest-config /dev/null:application/vnd.unknown.config.v1+json \
    ./artifact.txt:application/vnd.unknown.layer.v1+txt
warns <<<'Flag --manifest-config has been deprecated, use --config instead'
shows <<'END'
Uploading [SHORT] artifact.txt
Pushed [registry] [REGISTRY]/samples/artifact:1.0
Digest: [DIGEST]
END
same "$(oras manifest fetch $REGISTRY/samples/artifact:1.0 | jq -c .config)" \
  '{"mediaType":"application/vnd.unknown.config.v1+json","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0}'
# The digest of that file is the same in each version.
same "$(oras manifest fetch $REGISTRY/samples/artifact:1.0 | jq -c '.layers[0] | [.mediaType, .digest[:19], .size]')" \
  '["application/vnd.unknown.layer.v1+txt","sha256:33998979890f",20]'

step S4-3 'the same as for Windows: NUL is no file here, and is as empty'
oras push $REGISTRY/samples/artifact:1.0 \
    --manifest-config NUL:application/vnd.unknown.config.v1+json \
    ./artifact.txt:application/vnd.unknown.layer.v1+txt
warns <<'END'
Flag --manifest-config has been deprecated, use --config instead
NUL is the Windows null device; using an empty config
END
same "$(oras manifest fetch $REGISTRY/samples/artifact:1.0 | jq -c .config.size)" 0

step S4-4 'files of one media type are pulled'
mkdir elsewhere
cd elsewhere || exit 1
oras pull $REGISTRY/samples/artifact:1.0 \
  --media-type application/vnd.unknown.layer.v1+txt
warns <<<'Flag --media-type has been deprecated, and will be removed in a future release.'
shows <<<'Downloaded  [SHORT] artifact.txt'
same "$(cat artifact.txt)" 'Here is an artifact'
oras pull $REGISTRY/samples/artifact:1.0 --media-type application/vnd.unknown.layer.v1+none -o nothing
[ -z "$(find nothing -type f 2>/dev/null)" ]
cd ..

step S4-5 'a Dockerfile is pushed as it is'
printf 'FROM mcr.microsoft.com/hello-world\n' > hello-world.dockerfile
oras push $REGISTRY/dockerfile:1.0 hello-world.dockerfile
silent
shows <<'END'
Uploaded  [SHORT] hello-world.dockerfile
Pushed [registry] [REGISTRY]/dockerfile:1.0
END
oras pull $REGISTRY/dockerfile:1.0 -o built
cmp hello-world.dockerfile built/hello-world.dockerfile

step S4-6 'a login with the password on standard input'
oras logout $REGISTRY
echo $SP_PASSWD | oras login $REGISTRY --username $SP_APP_ID --password-stdin
prints <<<'Login Succeeded'
silent
oras repo tags $REGISTRY/dockerfile
prints <<<1.0

finish
