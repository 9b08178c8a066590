#!/usr/bin/env bash
# Builds the image for SageMaker and pushes it to Amazon ECR; ./build_and_push.sh --help tells how.
set -euo pipefail

usage() {
	cat <<'USAGE'
usage: ./build_and_push.sh [--gpu | --arm64] [--latest] [--region REGION] [--tag TAG]
                           [--immutable] [--kms-key KEY] [--dry-run] [REPOSITORY]

Builds the image for linux/amd64, pushes it to Amazon ECR and checks that SageMaker will accept it.
The last line of the output, alone on stdout, is the image's URI with its digest.

  REPOSITORY       the ECR repository; created when missing. Default: IMAGE in the Makefile (it is
                   part of the project, where the name of the folder changes from clone to clone)
  --gpu            build for NVIDIA GPUs, with requirements-gpu.txt; the tags end in -gpu
  --arm64          build for linux/arm64, for endpoints on Graviton (SageMaker trains on amd64 only);
                   the tags end in -arm64
  --latest         push the tag latest too, beside the tag of the git commit. A working tree with
                   changes that are not committed is pushed as COMMIT-dirty
  --region REGION  default: AWS_REGION, AWS_DEFAULT_REGION, or the region of the AWS profile
  --tag TAG        instead of the git commit, e.g. for sources without git
  --immutable      tags cannot be moved in a repository that is created
  --kms-key KEY    a repository that is created is encrypted with this key
  --dry-run        print the commands and run none: needs neither AWS credentials nor Docker

The environment variable BUILD_ARGS holds more arguments for docker build, quoted as for make build.
USAGE
}

# die PROBLEM WHAT-TO-DO: end with one line on stderr.
die() {
	echo "build_and_push.sh: $1: $2" >&2
	exit 1
}

# run COMMAND...: print the command; run it unless this is a dry run.
run() {
	printf '+'
	printf ' %q' "$@"
	printf '\n'
	if [[ -z $dry_run ]]; then "$@"; fi
}

# The commit that the image is made from, as its tag.
commit_tag() {
	local commit
	if ! git ls-files --error-unmatch Dockerfile >/dev/null 2>&1 || ! commit=$(git rev-parse --short HEAD 2>/dev/null); then
		die "this project is not committed to git, and the image's tag is the commit" \
			"git init && git add --all && git commit -m 'First version'"
	fi
	if [[ -n $(git status --porcelain -- .) ]]; then
		echo "build_and_push.sh: there are changes that are not committed: the tag is $commit-dirty" >&2
		commit+=-dirty
	fi
	echo "$commit"
}

check_docker() {
	command -v docker >/dev/null || die "docker is not installed" "see https://docs.docker.com/get-docker/"
	docker info >/dev/null 2>&1 || die "Docker is not running" "start it, then run this again"
}

check_credentials() {
	run aws sts get-caller-identity --region "$region" --query Account --output text ||
		die "no valid AWS credentials" "run aws configure or aws sso login, or set AWS_PROFILE"
}

# Set uri to the repository's, as ECR itself gives it: its form differs from partition to partition. The repository is
# created when ECR says that there is none; any other refusal is passed on to the user.
provide_repository() {
	local describe create answer
	describe=(aws ecr describe-repositories --region "$region" --repository-names "$repository"
		--query 'repositories[0].repositoryUri' --output text)
	create=(aws ecr create-repository --region "$region" --repository-name "$repository"
		--image-scanning-configuration scanOnPush=true)
	if [[ -n $immutable ]]; then create+=(--image-tag-mutability IMMUTABLE); fi
	if [[ -n $kms_key ]]; then create+=(--encryption-configuration "encryptionType=KMS,kmsKey=$kms_key"); fi
	create+=(--query repository.repositoryUri --output text)
	if [[ -n $dry_run ]]; then
		echo "+ ${describe[*]} || ${create[*]}"
		uri=ACCOUNT.dkr.ecr.$region.amazonaws.com/$repository
		return
	fi
	if ! answer=$("${describe[@]}" 2>&1); then
		[[ $answer == *RepositoryNotFoundException* ]] ||
			die "cannot look for the repository $repository ($(tr -s '\n' ' ' <<<"$answer"))" \
				"ask for ecr:DescribeRepositories and ecr:CreateRepository"
		echo "+ ${create[*]}"
		answer=$("${create[@]}") || die "cannot create the repository $repository" "ask for ecr:CreateRepository"
	fi
	uri=${answer##*$'\n'}
}

login() {
	local password=(aws ecr get-login-password --region "$region")
	local login=(docker login --username AWS --password-stdin "${uri%%/*}")
	echo "+ ${password[*]} | ${login[*]}"
	if [[ -z $dry_run ]]; then "${password[@]}" | "${login[@]}"; fi
}

# What the image declares becomes its label: the image is built, asked, and built again with the label, the rest coming
# from the cache. SageMaker takes neither OCI media types nor the index that attestations need (E5); buildx
# makes both unless told not to.
build_and_push() {
	local tag build=() arguments=()
	eval "arguments=(${BUILD_ARGS:-})" # as the shell of make reads them
	if [[ -n $gpu ]]; then arguments+=(--build-arg DEVICE=gpu); fi
	for tag in "$@"; do arguments+=(--tag "$uri:$tag"); done
	if has_buildx; then
		build=(docker buildx build --provenance=false --sbom=false --platform "$platform" "${arguments[@]}")
		run "${build[@]}" --load .
		read_label "$uri:$1"
		if [[ -n $label ]]; then build+=(--label "$label"); fi
		run "${build[@]}" --output "type=image,push=true,oci-mediatypes=false" .
	else
		[[ $platform == linux/amd64 ]] ||
			die "docker buildx is missing, and without it only images for linux/amd64 are made" \
				"install it: https://docs.docker.com/build/install-buildx/"
		build=(env DOCKER_BUILDKIT=0 docker build --platform "$platform" "${arguments[@]}")
		run "${build[@]}" .
		read_label "$uri:$1"
		if [[ -n $label ]]; then run "${build[@]}" --label "$label" .; fi
		for tag in "$@"; do run docker push "$uri:$tag"; done
	fi
}

# Set label to that of an image; to nothing where it has none.
read_label() {
	if [[ -n $dry_run ]]; then
		run cloud/label.sh "$1"
		label=sm-algo.describe=DECLARATION
	else
		label=$(cloud/label.sh "$1")
	fi
}

# A dry run on a machine without Docker shows the usual way.
has_buildx() {
	if [[ -n $dry_run ]] && ! command -v docker >/dev/null; then return; fi
	docker buildx version >/dev/null 2>&1
}

# Print the digest of a tag, if SageMaker will accept the image.
check_manifest() {
	local accepted=application/vnd.docker.distribution.manifest.v2+json
	local answer query media_type digest
	query=(aws ecr describe-images --region "$region" --repository-name "$repository" --image-ids "imageTag=$1"
		--query 'imageDetails[0].[imageManifestMediaType,imageDigest]' --output text)
	if [[ -n $dry_run ]]; then
		run "${query[@]}" >&3
		return
	fi
	if ! answer=$("${query[@]}" 2>&1); then
		[[ $answer == *ImageNotFoundException* ]] ||
			die "pushed, but cannot read the image's media type ($(tr -s '\n' ' ' <<<"$answer"))" \
				"ask for ecr:DescribeImages"
		die "the push seemed to work, but ECR has no image $repository:$1" \
			"read what docker printed above, and look for a lifecycle policy that removes images"
	fi
	read -r media_type digest <<<"${answer##*$'\n'}"
	if [[ $media_type != "$accepted" ]]; then
		die "pushed, but SageMaker's CreateModel will refuse the image: its manifest is $media_type, not $accepted" \
			"install docker buildx (https://docs.docker.com/build/install-buildx/) and run this again"
	fi
	echo "$digest"
}

dry_run='' gpu='' latest='' immutable='' kms_key='' repository='' uri='' tag='' label='' platform=linux/amd64 suffix=''
region=${AWS_REGION:-${AWS_DEFAULT_REGION:-}}
while (($#)); do
	case $1 in
	--dry-run) dry_run=yes ;;
	--gpu) gpu=yes suffix+=-gpu ;;
	--arm64) platform=linux/arm64 suffix+=-arm64 ;;
	--latest) latest=yes ;;
	--immutable) immutable=yes ;;
	--tag)
		tag=${2:-}
		[[ $tag =~ ^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,119}$ ]] || die "--tag '$tag'" "a tag has letters, digits, and _ . - after the first"
		shift
		;;
	--kms-key)
		kms_key=${2:-}
		[[ -n $kms_key ]] || die "--kms-key without a key" "e.g. --kms-key alias/images"
		shift
		;;
	--region)
		region=${2:-}
		[[ -n $region ]] || die "--region without a region" "e.g. --region eu-west-1"
		shift
		;;
	-h | --help)
		usage
		exit
		;;
	-*) die "unknown option $1" "see --help" ;;
	*)
		[[ -z $repository ]] || die "more than one repository: $repository and $1" "see --help"
		repository=$1
		;;
	esac
	shift
done

# Only the result goes to stdout, so that a script can read it; of a dry run the commands are the result.
exec 3>&1
[[ -n $dry_run ]] || exec 1>&2

cd "$(dirname "$0")"
[[ -z $gpu || -f requirements-gpu.txt ]] ||
	die "--gpu: there is no requirements-gpu.txt, for this framework computes on CPUs" "leave --gpu out"
[[ -z $gpu || $platform == linux/amd64 ]] || die "--gpu and --arm64" "SageMaker's GPUs are in amd64 instances: leave one out"
[[ -z $latest || -z $immutable ]] || die "--latest and --immutable" "the tag latest has to move: leave one out"
repository=${repository:-$(sed -n 's/^IMAGE := //p' Makefile)}
name='^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$' # E1
if ! [[ $repository =~ $name ]] || ((${#repository} < 2 || ${#repository} > 256)); then
	die "'$repository' is not a repository name for ECR" \
		"2 to 256 lowercase letters and digits, with single . _ / or hyphens between them"
fi
tag=${tag:-$(commit_tag)}$suffix

if [[ -z $dry_run ]]; then
	command -v aws >/dev/null || die "the aws command is not installed" "see https://aws.amazon.com/cli/"
	check_docker
fi
if [[ -z $region ]] && command -v aws >/dev/null; then region=$(aws configure get region || true); fi
if [[ -n $dry_run ]]; then region=${region:-REGION}; fi
[[ -n $region ]] || die "no AWS region" "give --region, or set AWS_REGION"

check_credentials
provide_repository
login
if [[ -n $latest ]]; then
	build_and_push "$tag" "latest$suffix"
else
	build_and_push "$tag"
fi
if [[ -n $dry_run ]]; then
	check_manifest "$tag"
	echo "$uri:$tag" >&3
else
	digest=$(check_manifest "$tag")
	echo "build_and_push.sh: pushed $uri:$tag" >&2
	echo "$uri@$digest" >&3
fi
